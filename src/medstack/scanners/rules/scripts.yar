/*
 * Scripts and pages: what a shell, a web server or a browser would run.
 * At the first byte of a file (a byte order mark and white space may come before it), and
 * behind the logical end of a picture or document (`part` is "tail" there).
 * Sources: WHATWG MIME Sniffing 7.1 (what a browser takes for HTML), PHP manual "PHP tags".
 */
rule script_file
{
  meta:
    outcome = "forbidden"
    signature = "script.shell"
  strings:
    $shebang = /(\xEF\xBB\xBF)?#! ?\/[a-z]/
    $batch = /(\xEF\xBB\xBF)?[ \t\r\n]{0,256}@echo[ \t]{1,4}off/ nocase
    $powershell = /(\xEF\xBB\xBF)?[ \t\r\n]{0,256}#requires[ \t]{1,4}-/ nocase
    $wide_batch = /(\xFF\xFE)?@\x00e\x00c\x00h\x00o\x00 \x00o\x00f\x00f\x00/ nocase
  condition:
    offset == 0 and ($shebang at 0 or $batch at 0 or $powershell at 0 or $wide_batch at 0)
}

rule page_file
{
  meta:
    outcome = "forbidden"
    signature = "script.html"
  strings:
    $page = /(\xEF\xBB\xBF)?[ \t\r\n\x0C]{0,256}(<!--[^>]{0,400}-->[ \t\r\n]{0,64})?<(!doctype[ \t]+html|html|head|body|script|iframe|svg|hta:application)[ \t\r\n>\/:]/ nocase
    $wide_page = /(\xFF\xFE)?<\x00(h\x00t\x00m\x00l|s\x00c\x00r\x00i\x00p\x00t|!\x00d\x00o\x00c\x00t\x00y\x00p\x00e)\x00/ nocase
  condition:
    offset == 0 and ($page at 0 or $wide_page at 0)
}

rule server_page_file
{
  meta:
    outcome = "forbidden"
    signature = "script.server-page"
  strings:
    $php = /(\xEF\xBB\xBF)?[ \t\r\n]{0,256}<\?(php[ \t\r\n]|=)/ nocase
    $asp = /(\xEF\xBB\xBF)?[ \t\r\n]{0,256}<%@/
  condition:
    offset == 0 and ($php at 0 or $asp at 0)
}

rule autorun_file
{
  meta:
    outcome = "forbidden"
    signature = "script.autorun"
  strings:
    $autorun = /(\xEF\xBB\xBF)?[ \t\r\n]{0,256}\[autorun\]/ nocase
  condition:
    offset == 0 and $autorun at 0
}

rule page_in_picture
{
  meta:
    outcome = "forbidden"
    signature = "script.in-picture"
  strings:
    // readable text must follow: noise in pixels does not look like this
    $php = /<\?php[ \t\r\n][ -~\t\r\n]{8}/ nocase
    $script = /<script[ \t\r\n>][ -~\t\r\n]{8}/ nocase
    $html = /<html[ \t\r\n>][ -~\t\r\n]{4}/ nocase
  condition:
    part == "body" and kind matches /^(jpeg|png|tiff|bmp|dicom|stl|mp4|wav)$/
    and ($php or $script or (offset == 0 and $html in (0..4096)))
}

rule page_behind_the_end
{
  meta:
    outcome = "forbidden"
    signature = "script.after-end"
  strings:
    $php = "<?php" nocase
    $script = "<script" nocase
    $html = /<html[ \t\r\n>]/ nocase
    $doctype = /<!doctype[ \t]+html/ nocase
    $shebang = /#! ?\/[a-z]{2,12}\//
  condition:
    part == "tail" and any of them
}
