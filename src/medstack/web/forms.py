"""multipart/form-data as it arrives: small fields are collected, the file's bytes passed on.

Nothing is spooled. Fields may stand before or behind the file. Source: RFC 7578.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from medstack.kit.errors import Invalid, TooLarge, Unsupported

FILE_FIELD = "file"
FIELDS_BYTES = 256 * 1024  # all fields together
_HEADER_BYTES = 16 * 1024


class NotAForm(Unsupported):
    code = "form-content-type"
    title = "Send this request as multipart/form-data"


class BadForm(Invalid):
    """`facts`: rule."""

    code = "bad-form"
    title = "The form cannot be read"


class FormTooLarge(TooLarge):
    code = "form-fields-too-large"
    title = "The fields of this form are too large"


class FileSink(Protocol):
    def write(self, block: bytes) -> None: ...


class FormReader:
    """Takes the body in blocks. `begin` is called with what is known when the file starts."""

    def __init__(self, content_type: str, begin: Callable[[dict[str, str]], FileSink]) -> None:
        """Raises NotAForm, BadForm."""
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise NotAForm("Give the Content-Type multipart/form-data with its boundary.")
        boundary = options.get(b"boundary", b"")
        if not 1 <= len(boundary) <= 70:
            raise BadForm("The boundary is missing or too long.", rule="boundary")
        self._begin = begin
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._part_data,
                "on_part_end": self._part_ends,
                "on_end": self._form_ends,
            },
        )
        self.fields: dict[str, str] = {}
        self.file: FileSink | None = None
        self._is_complete = False
        self._room = FIELDS_BYTES
        self._name = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._field = ""
        self._data = bytearray()
        self._is_file = False

    def write(self, block: bytes) -> None:
        """Raises BadForm, FormTooLarge, and whatever beginning and filling the file raise."""
        try:
            self._parser.write(block)
        except FormParserError as error:
            raise BadForm("The body is not what its boundary promises.", rule="syntax") from error

    def finish(self) -> None:
        """Raises BadForm unless the form ended and held a file."""
        if not self._is_complete:
            raise BadForm("The form breaks off before its end.", rule="truncated")
        if self.file is None:
            raise BadForm(f"The form has no part named {FILE_FIELD}.", rule="no-file")

    def _part_begins(self) -> None:
        self._headers.clear()
        self._data.clear()
        self._is_file = False

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._check_header()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._name) + len(self._value) > _HEADER_BYTES:
            raise BadForm("A part's header is too long.", rule="header")

    def _header_ends(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field = _text(options.get(b"name", b""))
        self._is_file = self._field == FILE_FIELD
        if not self._is_file:
            return
        if self.file is not None:
            raise BadForm("One file a request; send several as several.", rule="two-files")
        self.fields["filename"] = _text(options.get(b"filename", b"")) or self.fields.get(
            "filename", ""
        )
        media_type = self._headers.get(b"content-type", b"")
        self.fields.setdefault("filetype", _text(media_type))
        self.file = self._begin(dict(self.fields))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            assert self.file is not None
            self.file.write(data[start:end])
            return
        self._room -= end - start
        if self._room < 0:
            raise FormTooLarge(f"All fields together may have {FIELDS_BYTES} bytes.")
        self._data += data[start:end]

    def _part_ends(self) -> None:
        if self._is_file or not self._field:
            return
        value = _text(bytes(self._data))
        if self._field == "tags" and self.fields.get("tags"):  # a list may repeat its name
            value = f"{self.fields['tags']},{value}"
        self.fields[self._field] = value

    def _form_ends(self) -> None:
        self._is_complete = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadForm("Fields are UTF-8.", rule="encoding") from error
