"""STL meshes from scanners and labs: arches, bites, models, guides."""

from __future__ import annotations

from medstack.formats.contract import FileMetadata, IdentityMark, Inspection, Rendition
from medstack.formats.known import is_text
from medstack.formats.pictures import renditions_of_array
from medstack.formats.stl.reader import Mesh, is_binary_size, read_mesh
from medstack.formats.stl.shading import draw
from medstack.kit.streams import Source


class Stl:
    """Triangles only, binary or ASCII; lengths are unit-less and by custom millimetres."""

    kind = "stl"
    media_type = "model/stl"
    extensions = ("stl",)

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        if is_binary_size(head[80:84], size):
            return True
        start = head.lstrip().lower()
        return start.startswith(b"solid") and b"facet" in start and is_text(head)

    def inspect(self, source: Source) -> Inspection:
        mesh = read_mesh(source)
        return Inspection(
            kind=self.kind,
            media_type=self.media_type,
            extension=self.extensions[0],
            metadata=FileMetadata(extra=_extra(mesh)),
            identity=_marks(mesh),
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        return renditions_of_array(draw(read_mesh(source).triangles))

    def text(self, source: Source) -> str:
        return ""


def _extra(mesh: Mesh) -> dict[str, str | int | float | bool]:
    corners = mesh.triangles.reshape(-1, 3)
    low, high = corners.min(axis=0), corners.max(axis=0)
    sizes = {f"size{axis}": round(float(high[n] - low[n]), 4) for n, axis in enumerate("XYZ")}
    lowest = {f"min{axis}": round(float(low[n]), 4) for n, axis in enumerate("XYZ")}
    return {
        "triangleCount": len(mesh.triangles),
        "encoding": "binary" if mesh.is_binary else "ascii",
        **sizes,
        **lowest,
    }


def _marks(mesh: Mesh) -> tuple[IdentityMark, ...]:
    """The free text scanners fill with a patient's name or a case number."""
    if not mesh.name:
        return ()
    place = "STL header" if mesh.is_binary else "STL solid name"
    return (IdentityMark(kind="title", place=place),)


STL = Stl()
