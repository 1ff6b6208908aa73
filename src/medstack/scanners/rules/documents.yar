/*
 * Documents that do more than show themselves, in formats that are not ZIPs and not PDF.
 * Sources: RTF 1.9.1 "Objects"; [MS-OVBA] 2.3.4.1 (the _VBA_PROJECT stream), [MS-OLEDS] 2.3.6
 * (OLE native streams); OWASP "CSV Injection" (DDE in cells).
 */
rule rtf_with_object
{
  meta:
    outcome = "active"
    signature = "rtf.object"
  strings:
    $rtf = "{\\rt"
    $data = "\\objdata" nocase
    $class = "\\objclass" nocase
    $update = "\\objupdate" nocase
    $field = /\\fldinst[^}]{0,200}\bDDE(AUTO)?\b/ nocase
  condition:
    offset == 0 and $rtf in (0..16) and any of ($data, $class, $update, $field)
}

rule ole_with_macros
{
  meta:
    outcome = "active"
    signature = "office.macro"
  strings:
    $project = "_VBA_PROJECT" wide
    $stream = "Attribut\x00e VB_" nocase
  condition:
    offset == 0 and uint32be(0) == 0xD0CF11E0 and uint32be(4) == 0xA1B11AE1 and any of them
}

rule ole_with_package
{
  meta:
    outcome = "active"
    signature = "office.ole-object"
  strings:
    $native = { 01 00 4F 00 6C 00 65 00 31 00 30 00 4E 00 61 00 74 00 69 00 76 00 65 00 }
    $equation = "Equation Native" wide
  condition:
    offset == 0 and uint32be(0) == 0xD0CF11E0 and any of them
}

rule cell_that_starts_a_program
{
  meta:
    outcome = "active"
    signature = "csv.dde"
  strings:
    // a cell =cmd|'/C …'!A0, the same led in by + - @, perhaps in quotes
    $call = /(^|[\r\n,;\t])[ "']{0,3}[=+\-@][A-Za-z0-9_.:\\\/ ]{1,100}\|[ ]?['"][^\r\n]{1,300}['"]![A-Za-z$]/
    $known = /[=+\-@](cmd|powershell|mshta|rundll32|regsvr32|msexcel)\|[ ]?['"]/ nocase
  condition:
    kind matches /^(csv|text)$/ and any of them
}
