"""Who and what the demo clinic consists of: all invented, and the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from clinicdesk.core.permissions import Role
from clinicdesk.features.appointments.schemas import SaveType
from clinicdesk.features.patients.schemas import Demographics, Gender, Severity

CLINIC = "Harbour Street Clinic"
SITE_ADDRESS = "12 Harbour Street"


@dataclass(frozen=True, slots=True)
class Clinician:
    """A practitioner of the demo clinic. `shifts` are in minutes of the local day, the same on all seven days."""

    key: str
    prefix: str
    given: str
    family: str
    suffix: str
    specialty: str
    room: str
    shifts: tuple[tuple[int, int], ...]
    types: tuple[str, ...]
    """Short codes of the visits that they give, the usual ones more than once."""


DEMO_FOLDER = "demo"
"""Where the demo clinic lies, within the folder that a real one would have."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account of the demo clinic, with the passphrase that is printed at start: there is nothing to protect."""

    name: str
    role: Role
    email: str
    passphrase: str
    practitioner: str = ""


@dataclass(frozen=True, slots=True)
class DemoPatient:
    """An invented person, with what the desk knows of them."""

    demographics: Demographics
    allergies: tuple[tuple[str, str, Severity], ...] = ()
    contacts: tuple[tuple[str, str, str], ...] = ()
    asked_about_allergies: bool = False


def _at(hour: int, minute: int = 0) -> int:
    return hour * 60 + minute


_DOCTOR = ("fu", "fu", "fu", "bp", "rx", "rx", "ph", "np", "cu", "an", "ur", "ms")
_NURSE = ("bt", "bt", "bt", "bp", "vac", "vac", "wd", "wd", "ecg")
_PHYSIO = ("pt", "pt", "pt", "fu", "np")

CLINICIANS = (
    Clinician(
        "okafor", "Dr", "Amara", "Okafor", "", "GP", "Room 1",
        ((_at(8, 30), _at(12, 30)), (_at(13, 15), _at(17))), _DOCTOR,
    ),
    Clinician(
        "lee", "Dr", "Grace", "Lee", "", "GP", "Room 2", ((_at(9), _at(13)), (_at(13, 45), _at(17, 30))), _DOCTOR
    ),
    Clinician(
        "lindqvist", "Dr", "Henrik", "Lindqvist", "", "GP", "Room 3",
        ((_at(8, 30), _at(12, 45)), (_at(13, 30), _at(16, 30))), _DOCTOR,
    ),
    Clinician(
        "herrera", "", "Tomás", "Herrera", "RN", "Nurse", "Treatment",
        ((_at(8), _at(12)), (_at(13), _at(16))), _NURSE,
    ),
    Clinician(
        "raman", "Dr", "Priya", "Raman", "", "GP", "Room 4", ((_at(9), _at(13, 15)), (_at(14), _at(18))), _DOCTOR
    ),
    Clinician(
        "wilk", "", "Joanna", "Wilk", "", "Physiotherapist", "Room 5",
        ((_at(8), _at(11, 45)), (_at(12, 30), _at(16))), _PHYSIO,
    ),
)  # fmt: skip

TYPES = (
    SaveType("Follow-up", 15, "#41679F", "fu", "FOLLOWUP", 0),
    SaveType("New patient", 30, "#0B6870", "np", "ROUTINE", 1),
    SaveType("Check-up", 30, "#2B6E49", "cu", "CHECKUP", 2),
    SaveType("Blood pressure", 10, "#7A6A45", "bp", "CHECKUP", 3),
    SaveType("Repeat prescription", 10, "#6B5B95", "rx", "ROUTINE", 4),
    SaveType("Phone call", 10, "#5D696F", "ph", "ROUTINE", 5),
    SaveType("Blood test", 10, "#8F2A17", "bt", "ROUTINE", 6),
    SaveType("Vaccination", 10, "#2C4A78", "vac", "ROUTINE", 7),
    SaveType("Wound dressing", 20, "#B06A00", "wd", "FOLLOWUP", 8),
    SaveType("ECG", 20, "#465258", "ecg", "CHECKUP", 9),
    SaveType("Antenatal", 20, "#744400", "an", "CHECKUP", 10),
    SaveType("Physiotherapy", 30, "#5B4D2E", "pt", "FOLLOWUP", 11),
    SaveType("Minor surgery", 45, "#B23A24", "ms", "ROUTINE", 12),
    SaveType("Urgent", 15, "#B23A24", "ur", "EMERGENCY", 13),
)

REASONS = {
    "fu": ("Chest pain follow-up", "Migraine follow-up", "Diabetes review", "Asthma review", "Thyroid results",
           "Back pain", "Knee pain", "Gout follow-up", "Medication review", "Insomnia"),
    "np": ("New to the clinic", "Second opinion", "Referred from out-of-hours"),
    "cu": ("Yearly check-up", "Fit for work", "Care plan review", "Driver's medical"),
    "bp": ("Blood pressure review", "24-hour monitor back"),
    "rx": ("Repeat prescription", "Contraception review", "Change of tablets"),
    "ph": ("Results by phone", "Anxiety review", "Fit note"),
    "bt": ("Fasting bloods", "INR", "Iron", "Kidney function"),
    "vac": ("Travel vaccine", "Baby vaccines", "Flu", "Tetanus"),
    "wd": ("Leg ulcer", "Stitches out", "Burn, left hand"),
    "ecg": ("ECG", "Spirometry", "Ear irrigation"),
    "an": ("Antenatal, 12 weeks", "Antenatal, 28 weeks", "Antenatal, 34 weeks"),
    "pt": ("Shoulder", "Lower back", "Ankle", "Hip, after surgery"),
    "ms": ("Mole, right arm", "Ingrown toenail", "Joint injection"),
    "ur": ("Sore throat", "Rash", "Ear pain", "Cough, 3 weeks"),
}  # fmt: skip

ACCOUNTS = (
    DemoAccount("Maya Cole", Role.RECEPTIONIST, "maya@demo", "seven kites over blue water"),
    DemoAccount("Dr Grace Lee", Role.DOCTOR, "grace@demo", "quiet maple by the window", "lee"),
    DemoAccount("Tomás Herrera", Role.NURSE, "tomas@demo", "warm bread and lemon tea", "herrera"),
    DemoAccount("Ines Moreau", Role.ADMINISTRATOR, "ines@demo", "nine lanterns on the hill"),
    DemoAccount("Jordan Smith", Role.PATIENT, "jordan@demo", "a violet umbrella in may"),
)

_F, _M = Gender.FEMALE, Gender.MALE
_NAMED: tuple[tuple[str, str, Gender, date], ...] = (
    ("Jordan", "Smith", _M, date(1984, 3, 12)),
    ("Eleanor", "Smith-Okoye", _F, date(1951, 11, 2)),
    ("Rhys", "Smith", _M, date(2019, 6, 30)),
    ("Joan", "Smyth", _F, date(1948, 1, 19)),
    ("Daniel", "Osei", _M, date(1965, 5, 8)),
    ("Rosa", "Delgado", _F, date(1979, 9, 21)),
    ("Ngozi", "Adeyemi", _F, date(1962, 2, 14)),
    ("Mei-Ling", "Zhao", _F, date(1958, 12, 3)),
    ("Callum", "Reid", _M, date(2001, 7, 17)),
    ("Fatima", "Al-Sayed", _F, date(1993, 4, 9)),
    ("Elif", "Yılmaz", _F, date(1986, 10, 27)),
    ("Tomasz", "Wójcik", _M, date(1971, 8, 5)),
    ("Viktor", "Novák", _M, date(1990, 3, 31)),
    ("Renée", "Dubois", _F, date(1969, 6, 11)),
    ("Pavel", "Horák", _M, date(1983, 1, 23)),
    ("Siobhán", "Ní Bhriain", _F, date(1977, 5, 1)),
    ("Þórunn", "Guðmundsdóttir", _F, date(1995, 9, 13)),
    ("Łucja", "Żebrowska", _F, date(1938, 12, 24)),
    ("Nguyễn", "Thị Minh Khai", _F, date(1999, 2, 5)),
    ("Олена", "Шевченко", _F, date(1988, 8, 24)),
    ("Ελένη", "Παπαδοπούλου", _F, date(1974, 10, 1)),
    ("Liam", "O'Connor", _M, date(2008, 3, 17)),
    ("Maximiliana Wilhelmina Theodora", "von Hohenstein-Bartholomäus", _F, date(1944, 4, 4)),
    ("José", "García Márquez", _M, date(1956, 7, 7)),
)
_GIVEN_F = (
    "Aisha", "Anna", "Beatriz", "Chloé", "Clara", "Dilnoza", "Emily", "Esther", "Freya", "Greta", "Hana", "Ingrid",
    "Isla", "Jana", "Katarína", "Leila", "Maëlle", "Margit", "Nadia", "Olivia", "Paula", "Rania", "Selma", "Sofia",
    "Thandiwe", "Ursula", "Valentina", "Wanjiru", "Yuki", "Zainab",
)  # fmt: skip
_GIVEN_M = (
    "Ahmed", "Arjun", "Ben", "Bilal", "Chidi", "Dmitri", "Emeka", "Fionn", "Gábor", "Håkon", "Idris", "Jakub",
    "Joon-ho", "Kofi", "Kwame", "Lars", "Mateo", "Nikola", "Noah", "Omar", "Piotr", "Rajesh", "Samuel", "Søren",
    "Stelios", "Tariq", "Uroš", "Victor", "Wen", "Yusuf",
)  # fmt: skip
_FAMILIES = (
    "Alvarez", "Asante", "Bello", "Brandt", "Brooks", "Çelik", "Chaudhry", "Clarke", "Costa", "Đorđević", "Eze",
    "Farahani", "Feldman", "Fernández", "Haddad", "Halvorsen", "Hussein", "Iyer", "Jiang", "Jones", "Kamara",
    "Kowalski", "Lindholm", "MacLeod", "Mansour", "Martin", "Mehta", "Müller", "Neumann", "Ngata", "Nwosu", "Nyström",
    "O'Brien", "Öztürk", "Pappas", "Park", "Petrova", "Pettersen", "Rahman", "Rossi", "Schäfer", "Smith", "Solberg",
    "Suzuki", "Tanaka", "Taylor", "Volkov", "Whitlock", "Yamamoto", "Yusuf",
)  # fmt: skip
_STREETS = ("Harbour Street", "Mill Lane", "Quay Road", "Chapel Hill", "Orchard Close", "Station Road", "Castle Row")
_LANGUAGES = ("", "", "", "", "", "", "Polish", "Arabic", "Spanish", "Turkish")
_ALLERGIES = (
    ("Penicillin", "Rash", Severity.SEVERE), ("Latex", "Itching", Severity.MILD),
    ("Peanut", "Swelling of the face", Severity.SEVERE), ("Ibuprofen", "Wheeze", Severity.MODERATE),
    ("Codeine", "Vomiting", Severity.MODERATE), ("Plasters", "Red skin", Severity.MILD),
    ("Bee stings", "Collapse", Severity.SEVERE),
)  # fmt: skip
_RELATIONS = ("Partner", "Daughter", "Son", "Mother", "Father", "Neighbour", "Carer")
_PATIENTS = 250


def patients(today: date) -> Iterator[DemoPatient]:
    """Everyone in the clinic's care: some with names that try a search and a column, the rest put together by chance."""
    chance = Random("patients")  # noqa: S311  (the same people everywhere, and no secret)
    for number in range(_PATIENTS):
        if number < len(_NAMED):
            given, family, gender, birth_date = _NAMED[number]
        else:
            gender = chance.choice((_F, _M))
            given = chance.choice(_GIVEN_F if gender is _F else _GIVEN_M)
            family = chance.choice(_FAMILIES)
            birth_date = today - timedelta(days=chance.randrange(30, 94 * 365))
        yield _person(chance, number, given, family, gender, birth_date, today)


def _person(
    chance: Random, number: int, given: str, family: str, gender: Gender, birth_date: date, today: date
) -> DemoPatient:
    born_as = gender is _F and (today - birth_date).days > 25 * 365 and chance.random() < 0.2
    demographics = Demographics(
        family=family,
        given=given,
        birth_family=chance.choice(_FAMILIES) if born_as else "",
        birth_date=birth_date,
        gender=gender,
        pronouns=("she/her" if gender is _F else "he/him") if chance.random() < 0.3 else "",
        phone=f"020 7946 {number:04}" if chance.random() < 0.4 else "",
        mobile=f"07700 900{number:03}",
        email=f"patient{number:03}@example.org" if chance.random() < 0.7 else "",
        address=f"{chance.randrange(1, 120)} {chance.choice(_STREETS)}",
        city="Harbourtown",
        postal_code=f"HT{chance.randrange(1, 9)} {chance.randrange(1, 9)}AB",
        language=chance.choice(_LANGUAGES),
        desk_notes="Hard of hearing: please face them." if chance.random() < 0.04 else "",
    )
    allergies = (chance.choice(_ALLERGIES),) if chance.random() < 0.25 or number == 4 else ()
    contacts: tuple[tuple[str, str, str], ...] = ()
    if chance.random() < 0.3:
        name = f"{chance.choice(_GIVEN_F + _GIVEN_M)} {family}"
        contacts = ((name, chance.choice(_RELATIONS), f"07700 901{number:03}"),)
    return DemoPatient(demographics, allergies, contacts, bool(allergies) or chance.random() < 0.5)
