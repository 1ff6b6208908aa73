/*
 * Programs: as the file itself, and hidden inside another.
 * `offset` is where this block starts in the file, so "offset == 0 and … at 0" means the
 * first byte of the file.
 * Sources: Microsoft PE/COFF specification 2 and 3.3; System V gABI (ELF header);
 * Mach-O loader.h and fat.h; JVM specification 4.1; [MS-SHLLINK] 2.1.
 */
rule pe_file
{
  meta:
    outcome = "forbidden"
    signature = "executable.windows"
  condition:
    offset == 0 and uint16(0) == 0x5A4D and uint32(0x3C) < 0x4000
    and uint32(uint32(0x3C)) == 0x00004550
}

rule dos_file
{
  meta:
    outcome = "forbidden"
    signature = "executable.dos"
  condition:
    // last page at most 512 bytes, at least one page, a header of 2 to 4096 paragraphs:
    // a text that happens to start with MZ fails all three
    offset == 0 and uint16(0) == 0x5A4D and uint16(2) <= 512 and uint16(4) > 0
    and uint16(4) < 0x1000 and uint16(8) >= 2 and uint16(8) < 0x1000 and not pe_file
}

rule pe_inside
{
  meta:
    outcome = "forbidden"
    signature = "executable.embedded"
  strings:
    // DOS header, then PE signature and machine exactly where the header points
    $program = { 4D 5A [58] ?? ?? 00 00 [0-8000] 50 45 00 00 ( 4C 01 | 64 86 | 64 AA | C0 01 | C4 01 ) }
  condition:
    for any i in (1..#program) : (
      (offset > 0 or @program[i] > 0)
      and uint32(@program[i] + 0x3C) == !program[i] - 6
    )
}

rule elf_file
{
  meta:
    outcome = "forbidden"
    signature = "executable.elf"
  strings:
    $elf = { 7F 45 4C 46 ( 01 | 02 ) ( 01 | 02 ) 01 }
  condition:
    offset == 0 and $elf at 0
}

rule elf_inside
{
  meta:
    outcome = "forbidden"
    signature = "executable.embedded"
  strings:
    // class, byte order, version, padding, type (executable or shared), machine, version 1
    $little = { 7F 45 4C 46 ( 01 | 02 ) 01 01 ?? ?? 00 00 00 00 00 00 00 ( 02 | 03 ) 00 ?? 00 01 00 00 00 }
    $big = { 7F 45 4C 46 ( 01 | 02 ) 02 01 ?? ?? 00 00 00 00 00 00 00 00 ( 02 | 03 ) 00 ?? 00 00 00 01 }
  condition:
    any of them and not (offset == 0 and ($little at 0 or $big at 0))
}

rule mach_o_file
{
  meta:
    outcome = "forbidden"
    signature = "executable.mach-o"
  condition:
    offset == 0 and (
      uint32(0) == 0xFEEDFACE or uint32(0) == 0xFEEDFACF
      or uint32be(0) == 0xFEEDFACE or uint32be(0) == 0xFEEDFACF
      or (uint32be(0) == 0xCAFEBABE and uint32be(4) > 0 and uint32be(4) < 20)
    )
}

rule mach_o_inside
{
  meta:
    outcome = "forbidden"
    signature = "executable.embedded"
  strings:
    // 64-bit, x86-64 or arm64, file type 1 to 11
    $macho = { CF FA ED FE ( 07 00 00 01 | 0C 00 00 01 ) ?? 00 00 ?? ( 01 | 02 | 06 | 08 ) 00 00 00 }
  condition:
    $macho and not (offset == 0 and $macho at 0)
}

rule java_class
{
  meta:
    outcome = "forbidden"
    signature = "executable.java"
  condition:
    offset == 0 and uint32be(0) == 0xCAFEBABE and uint16be(6) >= 45 and uint16be(6) < 200
    and uint16be(8) > 0
}

rule other_programs
{
  meta:
    outcome = "forbidden"
    signature = "executable.other"
  strings:
    $dex = { 64 65 78 0A 30 33 ?? 00 }
    $wasm = { 00 61 73 6D 01 00 00 00 }
    $help = { 49 54 53 46 03 00 00 00 }
    $shortcut = { 4C 00 00 00 01 14 02 00 00 00 00 00 C0 00 00 00 00 00 00 46 }
  condition:
    offset == 0 and ($dex at 0 or $wasm at 0 or $help at 0 or $shortcut at 0)
}
