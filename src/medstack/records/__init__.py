"""Records: what a practice keeps about its patients, and how it is found again."""

from medstack.records import fields
from medstack.records.categories import SUBCATEGORIES, category_of, short_code, subcategory_of
from medstack.records.editing import KEEP, Edit, edit, history
from medstack.records.excerpts import Excerpt, excerpts
from medstack.records.filters import Filters, Page
from medstack.records.folders import Folder
from medstack.records.folders import change as change_folder
from medstack.records.folders import create as create_folder
from medstack.records.folders import get as get_folder
from medstack.records.folders import of_patient as folders_of
from medstack.records.folders import remove as remove_folder
from medstack.records.listing import page
from medstack.records.model import (
    AccessLevel,
    Category,
    Change,
    DownloadName,
    Record,
    Rendition,
    Said,
    ScanSummary,
    Stage,
    StageState,
    Status,
    Version,
)
from medstack.records.naming import download_name
from medstack.records.quota import Usage
from medstack.records.quota import commit as commit_quota
from medstack.records.quota import release as release_quota
from medstack.records.quota import reserve as reserve_quota
from medstack.records.quota import resize as resize_quota
from medstack.records.quota import usage as quota_usage
from medstack.records.rules import Step, check_revision, etag, expected_revision, next_status
from medstack.records.search_index import tidy as tidy_index
from medstack.records.series import Series, SeriesItem, add_instance
from medstack.records.series import get as get_series
from medstack.records.series import items as series_items
from medstack.records.series import of_patient as series_of
from medstack.records.sight import WHOLE_ARCHIVE
from medstack.records.store import (
    add,
    archive,
    erase,
    get,
    get_many,
    give_name,
    index_text,
    lock,
    move,
    note_inspection,
    note_scan,
    note_stage,
    unarchive,
)
from medstack.records.tags import of_patient as tags_of
from medstack.records.versions import (
    add_version,
    all_contents,
    contents,
    drop_renditions,
    put_rendition,
    rendition,
    renditions,
    restore,
    version,
    versions,
)

__all__ = [
    "KEEP",
    "SUBCATEGORIES",
    "WHOLE_ARCHIVE",
    "AccessLevel",
    "Category",
    "Change",
    "DownloadName",
    "Edit",
    "Excerpt",
    "Filters",
    "Folder",
    "Page",
    "Record",
    "Rendition",
    "Said",
    "ScanSummary",
    "Series",
    "SeriesItem",
    "Stage",
    "StageState",
    "Status",
    "Step",
    "Usage",
    "Version",
    "add",
    "add_instance",
    "add_version",
    "all_contents",
    "archive",
    "category_of",
    "change_folder",
    "check_revision",
    "commit_quota",
    "contents",
    "create_folder",
    "download_name",
    "drop_renditions",
    "edit",
    "erase",
    "etag",
    "excerpts",
    "expected_revision",
    "fields",
    "folders_of",
    "get",
    "get_folder",
    "get_many",
    "get_series",
    "give_name",
    "history",
    "index_text",
    "lock",
    "move",
    "next_status",
    "note_inspection",
    "note_scan",
    "note_stage",
    "page",
    "put_rendition",
    "quota_usage",
    "release_quota",
    "remove_folder",
    "rendition",
    "renditions",
    "reserve_quota",
    "resize_quota",
    "restore",
    "series_items",
    "series_of",
    "short_code",
    "subcategory_of",
    "tags_of",
    "tidy_index",
    "unarchive",
    "version",
    "versions",
]
