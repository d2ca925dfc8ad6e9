"""Which files are read, and what is said of those that cannot be."""

import gzip
import os

import pytest

from pipeline.errors import UnreadableInput
from pipeline.ingest import files
from pipeline.ingest.files import find_files


def names(paths):
    """Return the names of the files found."""
    return [file.name for file in find_files(paths)]


def test_a_folder_stands_for_its_readable_files(tmp_path):
    """A folder stands for its readable files."""
    for name in ["b.csv", "a.XLSX", "c.csv.gz", "notes.md", ".hidden.csv", "~$a.xlsx"]:
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    assert names([tmp_path]) == ["a.XLSX", "b.csv", "c.csv.gz"]


def test_a_file_that_is_given_twice_is_read_once(tmp_path):
    """A file that is given twice is read once."""
    (tmp_path / "a.csv").touch()
    assert names([tmp_path / "a.csv", tmp_path]) == ["a.csv"]


@pytest.mark.parametrize("name", ["a.xls", "a.xlsm", "a.ods", "a.xlsb"])
def test_other_spreadsheets_are_not_passed_over_in_silence(tmp_path, name):
    """Other spreadsheets are not passed over in silence."""
    (tmp_path / name).touch()
    with pytest.raises(UnreadableInput, match="Save it as CSV, XLSX or Parquet"):
        find_files([tmp_path])
    with pytest.raises(UnreadableInput, match="Save it as CSV, XLSX or Parquet"):
        find_files([tmp_path / name])


def test_what_does_not_exist_is_said(tmp_path):
    """What does not exist is said."""
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nothing.csv")
    (tmp_path / "circle.csv").symlink_to(tmp_path / "circle.csv")
    for name in ("none.csv", "dangling.csv"):
        with pytest.raises(UnreadableInput, match="does not exist"):
            find_files([tmp_path / name])
    with pytest.raises(UnreadableInput, match="cannot be opened"):
        find_files([tmp_path / "circle.csv"])


def test_an_empty_folder_is_said(tmp_path):
    """An empty folder is said."""
    with pytest.raises(UnreadableInput, match="holds nothing to import"):
        find_files([tmp_path])


def test_links_in_a_folder_are_not_followed(tmp_path):
    """Links in a folder are not followed."""
    (tmp_path / "secret.txt").write_text("x")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "ratings.csv").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(UnreadableInput, match="is a link"):
        find_files([inbox])


def test_pipes_and_folders_are_no_files(tmp_path):
    """Pipes and folders are no files."""
    os.mkfifo(tmp_path / "ratings.csv")
    with pytest.raises(UnreadableInput, match="no ordinary file"):
        find_files([tmp_path])
    [pipe] = find_files([tmp_path / "ratings.csv"])
    with pytest.raises(UnreadableInput, match="no ordinary file"):
        pipe.read()
    (tmp_path / "ratings.csv").unlink()
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UnreadableInput, match="no ordinary file"):
        find_files([tmp_path])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_said(tmp_path):
    """A file without permission is said."""
    path = tmp_path / "ratings.csv"
    path.touch(mode=0o000)
    with pytest.raises(UnreadableInput, match="may not be read"):
        find_files([path])[0].read()


def test_packed_files_are_unpacked_within_bounds(tmp_path, monkeypatch):
    """Packed files are unpacked within bounds."""
    packed = gzip.compress(b"a;b\n") + gzip.compress(b"1;2\n")
    (tmp_path / "x.csv.gz").write_bytes(packed)
    [file] = find_files([tmp_path])
    assert file.unpack(file.read()) == b"a;b\n1;2\n"
    with pytest.raises(UnreadableInput, match="damaged"):
        file.unpack(packed[:-4])
    with pytest.raises(UnreadableInput, match="damaged"):
        file.unpack(b"a;b\n")
    monkeypatch.setattr(files, "MOST_BYTES", 1000)
    with pytest.raises(UnreadableInput, match="larger than"):
        file.unpack(gzip.compress(bytes(5000)))
