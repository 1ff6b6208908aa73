"""What may run in the sandbox, and what is imported before the first file arrives."""

TASK_MODULES = ("medstack.formats.tasks", "medstack.scanners.tasks")

# What the tasks import where they use it; loaded here once so that a child finds it loaded.
HEAVY = (
    "numpy",
    "PIL.Image",
    "PIL.BmpImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.TiffImagePlugin",
    "PIL.WebPImagePlugin",
    "PIL.ImageDraw",
    "PIL.ImageFont",
    "PIL.ImageOps",
    "pyvips",
    "pypdfium2",
    "pikepdf",
    "pydicom",
    "pydicom.pixels",
    "imagecodecs",
    "openjpeg",
    "rle",
    "defusedxml.ElementTree",
    "openpyxl",
    "yara_x",
    "numpy.ma",
    "imagecodecs._jpeg2k",
    "encodings.cp437",
    "encodings.utf_16_le",
    "medstack.scanners.structure",
)
