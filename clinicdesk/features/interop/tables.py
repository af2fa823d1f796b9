"""Reads a table of people from a CSV file: encoding, delimiter and columns guessed, stated, and open to correction; pure."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from io import StringIO

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.text import unguarded
from clinicdesk.features.patients.schemas import Demographics, Gender

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = ",;\t|"

IGNORE = "ignore"
NUMBER, SOURCE_ID, DECEASED, DECEASED_ON = "number", "source_id", "deceased", "deceased_on"
HOUSE, STREET, MORE = "house_number", "address", "address_2"
_PARTS = {HOUSE, STREET, MORE}
FIELDS = frozenset(
    {field.name for field in fields(Demographics)} | _PARTS | {NUMBER, SOURCE_ID, DECEASED, DECEASED_ON, IGNORE}
)
"""What a column can be mapped to."""
_MANY = frozenset({"identifiers", IGNORE})

_HEADERS = {
    "family": "surname last_name lastname family_name familyname name nachname apellido apellidos nom",
    "given": "given_name givenname first_name firstname forename forenames vorname nombre prenom given_names",
    "prefix": "title salutation name_prefix anrede",
    "suffix": "name_suffix",
    "birth_family": "maiden_name birth_name previous_surname geburtsname",
    "other_names": "middle_name middle_names nickname known_as",
    "birth_date": "date_of_birth dob birthdate birthday geburtsdatum fecha_nacimiento date_birth",
    "gender": "sex geschlecht",
    "phone": "phone_number telephone tel home_phone telefon landline",
    "mobile": "mobile_phone cell cell_phone cellphone handy mobile_number",
    "email": "e_mail email_address mail",
    HOUSE: "street_number house_no house",
    STREET: "address_1 address1 street address_line_1 street_address street_name strasse",
    MORE: "address2 address_line_2 unit",
    "city": "suburb town locality municipality ort stadt place",
    "state": "county province region",
    "postal_code": "postcode zip zip_code zipcode post_code plz postcode_fake",
    "country": "country_code nation land",
    "language": "preferred_language",
    "desk_notes": "notes note comment comments remarks",
    "identifiers": "identifier soc_sec_id ssn nhs_number medicare_number national_id",
    NUMBER: "record_number mrn chart_number patient_number",
    SOURCE_ID: "rec_id unique_id id patient_id record_id external_id",
    DECEASED: "dead is_deceased",
    DECEASED_ON: "date_of_death death_date dod",
}
_FIELD_OF = {word: field for field, words in _HEADERS.items() for word in (field, *words.split())} | {
    field.name: field.name for field in fields(Demographics)
}
_GENDERS = {
    **{gender.value: gender for gender in Gender},
    "": Gender.UNKNOWN, "f": Gender.FEMALE, "w": Gender.FEMALE, "woman": Gender.FEMALE,
    "m": Gender.MALE, "man": Gender.MALE, "o": Gender.OTHER, "x": Gender.OTHER, "d": Gender.OTHER, "u": Gender.UNKNOWN,
}  # fmt: skip
_YES = frozenset({"1", "true", "yes", "y", "t"})
_YMD = re.compile(r"(\d{4})[-./ ]?(\d\d?)[-./ ]?(\d\d?)")
_PARTED = re.compile(r"(\d\d?)([-./ ])(\d\d?)\2(\d{4})")


class DateOrder(StrEnum):
    """How dates with the year at the end are to be read."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


@dataclass(frozen=True, slots=True)
class Person:
    """A row of the table."""

    line: int
    demographics: Demographics
    number: str = ""
    source_id: str = ""
    deceased: bool = False
    deceased_on: date | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A file of people: how it was read, which column is which field, and its rows by their line numbers."""

    encoding: str
    delimiter: str
    mapping: Mapping[str, str]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    date_order: DateOrder | None


def read_table(
    content: bytes,
    *,
    encoding: str = "",
    mapping: Mapping[str, str] | None = None,
    date_order: DateOrder | None = None,
) -> Table:
    """Take a CSV file apart. What is empty or None is guessed; `mapping` (column to field) overrides the guess.

    Raises InvalidInput: csv_unknown_encoding, csv_encoding, csv_empty, csv_quotes, csv_unknown_column, csv_unknown_field,
    csv_field_twice, csv_no_name_column, csv_date_order (dates that can be read both ways).
    """
    used = encoding or guess_encoding(content)
    try:
        text = content.decode(used)
    except LookupError:
        raise InvalidInput("csv_unknown_encoding", field="encoding", encoding=used) from None
    except UnicodeError:
        raise InvalidInput("csv_encoding", field="encoding", encoding=used) from None
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first_line.count)
    lines = _lines(text, delimiter)
    if not lines or not any(cell.strip() for cell in lines[0][1]):
        raise InvalidInput("csv_empty")
    header = tuple(cell.strip().lstrip("\ufeff") for cell in lines[0][1])
    columns = _mapped(header, mapping or {})
    rows = tuple((line, cells) for line, cells in lines[1:] if any(cell.strip() for cell in cells))
    return Table(used, delimiter, columns, rows, date_order or _date_order(columns, rows))


def guess_encoding(content: bytes) -> str:
    """The encoding that a file is most likely in: what its mark says, UTF-8 where it is valid, else Western European."""
    for mark, name in _BOMS:
        if content.startswith(mark):
            return name
    sample = content[:4096]
    for name, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if len(sample) >= 4 and zeros.count(0) > len(zeros) // 2:
            return name
    for name in ("utf-8", "cp1252"):
        try:
            content.decode(name)
        except UnicodeError:
            continue
        return name
    return "latin-1"


def _lines(text: str, delimiter: str) -> list[tuple[int, tuple[str, ...]]]:
    """The rows, each with the number of the line on which it begins."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    found: list[tuple[int, tuple[str, ...]]] = []
    begins = 1
    try:
        for cells in reader:
            if cells:
                found.append((begins, tuple(cells)))
            begins = reader.line_num + 1
    except csv.Error:
        raise InvalidInput("csv_quotes", position=f"line {begins}") from None
    return found


def _mapped(header: Sequence[str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Which column is which field; columns that nobody knows are ignored."""
    for column, field in wanted.items():
        if column not in header:
            raise InvalidInput("csv_unknown_column", field="map", column=column)
        if field not in FIELDS:
            raise InvalidInput("csv_unknown_field", field="map", name=field)
    mapping: dict[str, str] = {}
    taken = set(wanted.values()) - _MANY
    for column in header:
        guess = _FIELD_OF.get(re.sub(r"[^a-z0-9]+", "_", column.casefold()).strip("_"), IGNORE)
        if column in wanted:
            mapping[column] = wanted[column]
        else:
            mapping[column] = IGNORE if guess in taken else guess
            taken |= {guess} - _MANY
    chosen = [field for field in wanted.values() if field not in _MANY]
    if len(chosen) != len(set(chosen)) or len(mapping) != len(header):
        raise InvalidInput("csv_field_twice", field="map")
    if not {"family", "given"} & set(mapping.values()):
        raise InvalidInput("csv_no_name_column", field="map")
    return mapping


def _date_order(mapping: Mapping[str, str], rows: Sequence[tuple[int, tuple[str, ...]]]) -> DateOrder | None:
    """What the dates of the whole file say about their order; None where none has its year at the end."""
    dates = [at for at, field in enumerate(mapping.values()) if field in ("birth_date", DECEASED_ON)]
    parts = [
        match
        for _, cells in rows
        for at in dates
        if at < len(cells) and (match := _PARTED.fullmatch(cells[at].strip()))
    ]
    if not parts:
        return None
    days_first = any(int(match[1]) > 12 for match in parts)
    months_first = any(int(match[3]) > 12 for match in parts)
    if days_first == months_first:
        if all(match[2] == "." for match in parts):
            return DateOrder.DAY_FIRST
        raise InvalidInput("csv_date_order", field="date_order")
    return DateOrder.DAY_FIRST if days_first else DateOrder.MONTH_FIRST


def person(table: Table, line: int, cells: Sequence[str]) -> Person:
    """The person in a row. Raises InvalidInput: csv_column_count, bad_date."""
    if len(cells) != len(table.mapping):
        raise InvalidInput("csv_column_count", found=len(cells), expected=len(table.mapping))
    values: dict[str, str] = {}
    identifiers: list[str] = []
    for (column, field), cell in zip(table.mapping.items(), cells, strict=True):
        value = unguarded(cell.strip())
        if field == "identifiers":
            identifiers += [line if "|" in line else f"{column}|{line}" for line in value.splitlines() if line.strip()]
        elif field != IGNORE:
            values[field] = value
    house, street = values.pop(HOUSE, ""), values.pop(STREET, "")
    address = ", ".join(filter(None, (f"{house} {street}".strip(), values.pop(MORE, ""))))
    born = _date(values.pop("birth_date", ""), "birth_date", table.date_order)
    died = _date(values.pop(DECEASED_ON, ""), DECEASED_ON, table.date_order)
    number, source_id = values.pop(NUMBER, ""), values.pop(SOURCE_ID, "")
    deceased = values.pop(DECEASED, "").casefold() in _YES
    gender = values.pop("gender", "")
    notes = [values.pop("desk_notes", "")]
    known_gender = _GENDERS.get(gender.casefold())
    if known_gender is None:
        notes.append(f"Gender: {gender}")
    demographics = Demographics(
        **values,
        address=address,
        birth_date=born,
        gender=known_gender or Gender.UNKNOWN,
        identifiers=tuple(identifiers),
        desk_notes="\n".join(filter(None, notes)),
    )
    return Person(line, demographics, number, source_id, deceased or died is not None, died)


def _date(said: str, field: str, order: DateOrder | None) -> date | None:
    if not said:
        return None
    if match := _YMD.fullmatch(said):
        year, month, day = match.groups()
    elif (match := _PARTED.fullmatch(said)) and order is not None:
        first, _, second, year = match.groups()
        day, month = (first, second) if order is DateOrder.DAY_FIRST else (second, first)
    else:
        raise InvalidInput("bad_date", field=field)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise InvalidInput("bad_date", field=field) from None
