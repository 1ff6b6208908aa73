/*
 * Two kinds in one file: a second document glued to the first or hidden in a place the first
 * kind does not read. `kind` is what the file was taken for, "" where nobody said.
 * A ZIP glued to anything is found by the archive walk, not here.
 * Sources: corkami "mitra" list of stackable formats; ISO 32000-1 annex H.3.4.1 (a PDF header
 * may stand anywhere in the first 1024 bytes); DICOM PS3.10 7.1 (the 128-byte preamble).
 */
rule pdf_in_front
{
  meta:
    outcome = "forbidden"
    signature = "polyglot.pdf"
  strings:
    $pdf = "%PDF-"
  condition:
    part == "body" and offset == 0 and (
      (kind matches /^(jpeg|png|tiff|bmp|stl|mp4|wav|docx|xlsx|zip)$/ and $pdf in (0..1024))
      or (kind == "dicom" and $pdf in (0..127))
    )
}

rule pdf_not_at_the_front
{
  meta:
    outcome = "forbidden"
    signature = "polyglot.pdf-prefix"
  strings:
    $pdf = "%PDF-"
    $lead = /(\xEF\xBB\xBF)?[ \t\r\n\x00]{0,64}%PDF-/
  condition:
    part == "body" and kind == "pdf" and offset == 0 and $pdf in (0..1024) and not $lead at 0
}

rule archive_in_preamble
{
  meta:
    outcome = "forbidden"
    signature = "polyglot.preamble"
  condition:
    part == "body" and kind == "dicom" and offset == 0 and (
      uint32be(0) == 0x504B0304 or uint32be(0) == 0x52617221 or uint32be(0) == 0x377ABCAF
      or uint32be(0) == 0x1F8B0800 or uint32be(0) == 0xD0CF11E0
    )
}

rule document_behind_the_end
{
  meta:
    outcome = "forbidden"
    signature = "polyglot.after-end"
  strings:
    $pdf = "%PDF-"
    $zip = { 50 4B 03 04 ?? 00 ?? ?? 00 00 }
    $rar = { 52 61 72 21 1A 07 }
    $seven = { 37 7A BC AF 27 1C 00 }
    $ole = { D0 CF 11 E0 A1 B1 1A E1 }
  condition:
    part == "tail" and any of them
}
