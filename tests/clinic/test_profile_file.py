"""What a clinic owner reads when `clinic.yml` has a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.profile import Profile
from clinic.profile_file import ProfileError, load_profile
from tests.clinic.bills import GSTIN

ROOT = Path(__file__).parents[2]
SMALL = (Path(__file__).parent / "small_clinic.yml").read_text(encoding="utf-8")

FAULTS = [
    # (what stood there, what stands there now, what the owner reads)
    ("minutes: 40", "minutes: 4", "line 24: services[1].minutes: must be between 5 and 240"),
    ("minutes: 40", "minutes: 300", "line 24: services[1].minutes: must be between 5 and 240"),
    ("minutes: 40", "minutes: 40.5", "line 24: services[1].minutes: must be a whole number"),
    ("minutes: 40", "minutes: yes", "line 24: services[1].minutes: must be a whole number"),
    ("minutes: 40", "minutes:", "line 24: services[1].minutes: is empty"),
    ("    minutes: 40\n", "", "line 22: services[1].minutes: is missing"),
    (
        "new_patients: true",
        "new_patient: true",
        "line 21: services[0].new_patient: unknown key; did you mean 'new_patients'?",
    ),
    ("600.50", "600.505", "line 25: services[1].fee_rupees: has more than two decimal places"),
    ("600.50", "free", "line 25: services[1].fee_rupees: must be a number"),
    ("600.50", "-1", "line 25: services[1].fee_rupees: must be between 0 and 100000"),
    (
        "code: session",
        "code: Session 1",
        "line 22: services[1].code: must be small Latin letters, digits and _, "
        "such as 'home_visit'",
    ),
    (
        "code: ravi",
        "code: asha",
        "line 40: clinicians[1].code: 'asha' is already used by clinicians[0]",
    ),
    (
        "{en: Session, hi",
        "{en: A session that has a long name, hi",
        "line 23: services[1].name.en: has 30 characters; WhatsApp shows at most 24 in a list",
    ),
    (
        "{en: Session, hi: सेशन, hinglish: Session}",
        "{en: Session, hi: सेशन}",
        "line 23: services[1].name.hinglish: is missing",
    ),
    (
        "services: [assessment, session]",
        "services: [assessment, sesion]",
        "line 33: clinicians[0].services[1]: no service is called 'sesion'; "
        "did you mean 'session'?",
    ),
    (
        'mon: ["09:00-11:00"]',
        'mon: ["09:00-11:00", "10:30-12:00"]',
        "line 48: clinicians[1].availability.mon: 09:00-11:00 and 10:30-12:00 overlap",
    ),
    (
        'mon: ["09:00-11:00"]',
        'mon: ["08:00-11:00"]',
        "line 48: clinicians[1].availability.mon: 08:00-11:00 is outside the opening hours "
        "(09:00-13:00, 14:00-18:00)",
    ),
    (
        'mon: ["09:00-11:00"]',
        'sun: ["09:00-11:00"]',
        "line 48: clinicians[1].availability.sun: 09:00-11:00 is outside the opening hours "
        "(closed)",
    ),
    (
        'mon: ["09:00-11:00"]',
        'mon: ["9-11"]',
        "line 48: clinicians[1].availability.mon[0]: must be a span such as '09:00-13:00'",
    ),
    (
        'mon: ["09:00-11:00"]',
        'mon: ["11:00-09:00"]',
        "line 48: clinicians[1].availability.mon[0]: must open before it closes",
    ),
    (
        'mon: ["09:00-11:00"]',
        'mon: ["09:10-11:00"]',
        "line 48: clinicians[1].availability.mon[0]: must begin and end on a multiple of "
        "15 minutes",
    ),
    (
        "gender: male",
        "gender: m",
        "line 44: clinicians[1].gender: must be one of female, male, other",
    ),
    (
        "clinicians: [asha]",
        "clinicians: [aasha]",
        "line 51: categories[0].clinicians[0]: no clinician is called 'aasha'; "
        "did you mean 'asha'?",
    ),
    (
        "code: back_neck",
        "code: back_nek",
        "line 51: categories[0].code: no category is called 'back_nek'; did you mean 'back_neck'?",
    ),
    (
        "hi: सामने।, ",
        "",
        "line 58: faq.parking.hi: is missing",
    ),
    (
        'price: {en: "{fees}"',
        'price: {en: "{feees}"',
        "line 56: faq.price.en: unknown placeholder {feees}; did you mean {fees}?",
    ),
    (
        'price: {en: "{fees}"',
        'price: {en: "{fees"',
        "line 56: faq.price.en: has a brace that is not part of a {placeholder}",
    ),
    (
        "{en: None.,",
        '{en: "{home_visit_fees}",',
        "line 61: faq.home_visit.en: says {home_visit_fees}, but no service has home_visit: true",
    ),
    (
        '"+91 90000 00100"',
        '"12345"',
        "line 4: phone: must be a phone number with its country code, such as '+91 90000 00100'",
    ),
    ('"+91 90000 00100"', "+919000000100", "line 4: phone: must be text; put it in quotes"),
    (
        "Asia/Kolkata",
        "Asia/Kolkatta",
        "line 5: time_zone: 'Asia/Kolkatta' is not a time zone; did you mean 'Asia/Kolkata'?",
    ),
    (
        "subdivision: MH",
        "subdivision: XX",
        "line 13: holidays.country: no holidays are known for IN/XX",
    ),
    (
        "subdivision: MH}",
        "subdivision: MH, open_on: [Dushera]}",
        "line 13: holidays.open_on[0]: no public holiday is called 'Dushera'; "
        "did you mean 'Dussehra'?",
    ),
    ("day: 2026-11-26", "day: soon", "line 15: closures[0].day: must be a date such as 2026-11-09"),
    (
        "slot_step_minutes: 30",
        "slot_step_minutes: 20",
        "line 73: booking.slot_step_minutes: must be a multiple of 15",
    ),
    (
        "new_patients: true",
        "new_patients: maybe",
        "line 21: services[0].new_patients: must be true or false",
    ),
    (
        "    new_patients: true\n",
        "",
        "line 16: services: no service has new_patients: true, so a new patient can book nothing",
    ),
    ("pin: {lat: 18.5", "pin: {lat: 185", "line 3: pin.lat: must be between -90 and 90"),
    (
        "services: [assessment, session]",
        "services: [session]",
        "line 17: services[0].code: no clinician offers 'assessment'",
    ),
    (
        'general: "112"',
        'general: "one"',
        "line 67: emergency.general: must be digits in quotes, such as '112'",
    ),
]


def faults_of(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "clinic.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError) as raised:
        load_profile(file)
    assert str(raised.value) == "\n".join(raised.value.faults)
    return raised.value.faults


@pytest.mark.parametrize(("before", "after", "said"), FAULTS)
def test_a_fault_is_named_with_its_line(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in SMALL
    assert faults_of(tmp_path, SMALL.replace(before, after, 1)) == [f"clinic.yml {said}"]


BILLING = """billing:
  legal_name: Small Clinic (invented)
  serial_prefix: SC
"""
BILLING_FAULTS = [
    (
        "gstin: 27ABC",
        "gstin: is no GSTIN: 15 characters whose last one checks the others; leave it",
    ),
    (f"gstin: {GSTIN[:-1]}0", "gstin: is no GSTIN: 15 characters whose last one checks the others"),
    ('sac: "9021"', "sac: must be a code of health care, '9993' or one that begins with it: bills"),
    ("sac: 9993", "sac: must be text; put it in quotes"),
    ("upi_id: small", "upi_id: must be a UPI id such as 'clinic@bank'"),
    (
        "serial_prefix: S/C",
        "serial_prefix: must be 1 to 4 capital letters and digits, such as 'TP'",
    ),
    ("serial_prefix: CLINIC", "serial_prefix: must be 1 to 4 capital letters and digits"),
    ("legal_name: ''", "legal_name: is empty"),
    ("gst: 1", "gst: unknown key; did you mean 'gstin'?"),
]


def test_a_clinic_that_bills_is_sound_with_and_without_a_gstin(tmp_path: Path) -> None:
    file = tmp_path / "clinic.yml"
    file.write_text(SMALL + BILLING, encoding="utf-8")
    billing = load_profile(file).billing
    assert billing is not None and (billing.sac, billing.gstin) == ("9993", None)
    assert billing.payee == "Small Clinic (invented)"
    file.write_text(f"{SMALL}{BILLING}  gstin: {GSTIN.lower()}\n", encoding="utf-8")
    billing = load_profile(file).billing
    assert billing is not None and billing.gstin == GSTIN


@pytest.mark.parametrize(("wrong", "said"), BILLING_FAULTS)
def test_a_fault_in_billing_is_named_with_its_line(tmp_path: Path, wrong: str, said: str) -> None:
    key = wrong.split(":")[0]
    kept = [line for line in BILLING.splitlines() if not line.startswith(f"  {key}:")]
    text = SMALL + "\n".join([*kept, f"  {wrong}", ""])
    line = len(text.splitlines())
    (fault,) = faults_of(tmp_path, text)
    assert fault.startswith(f"clinic.yml line {line}: billing.{said}"), fault


def test_every_fault_is_named_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = SMALL.replace("minutes: 40", "minutes: 4").replace("{hours}", "{ours}", 1)
    text = text.replace('mon: ["09:00-11:00"]', 'mon: ["08:00-11:00"]').replace("+91 9", "+91 1")
    assert [fault.split(": ")[0] for fault in faults_of(tmp_path, text)] == [
        "clinic.yml line 4",
        "clinic.yml line 24",
        "clinic.yml line 48",
        "clinic.yml line 55",
    ]


def test_an_answer_that_is_too_long_once_filled(tmp_path: Path) -> None:
    text = SMALL.replace("en: In front.", "en: " + "Park in front. " * 80)
    assert faults_of(tmp_path, text) == [
        "clinic.yml line 58: faq.parking.en: is 1199 characters long once filled; at most 1024 fit"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [", "clinic.yml line 1: not valid YAML: "),
        ("name: a\nname: b\n", "clinic.yml line 2: not valid YAML: found duplicate key"),
        ("a: 1\n\tb: 2\n", "clinic.yml line 2: not valid YAML: "),
        ("", "clinic.yml is empty or is not"),
        ("- a\n- b\n", "clinic.yml is empty or is not"),
    ],
)
def test_what_is_not_a_profile_at_all_gets_one_sentence(
    tmp_path: Path, text: str, said: str
) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert fault.startswith(said)
    assert "\n" not in fault


def test_a_missing_file_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"^nowhere\.yml is missing: write one"):
        load_profile(tmp_path / "nowhere.yml")


def test_a_file_that_is_not_utf_8_gets_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "clinic.yml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ProfileError, match=r"^clinic\.yml is not UTF-8 text\.$"):
        load_profile(tmp_path / "clinic.yml")


def test_the_demo_profile_is_sound_and_survives_the_database_form() -> None:
    profile = load_profile(ROOT / "clinic.yml")
    again = Profile.parse_obj(profile.content())
    assert again == profile
    assert again.digest() == profile.digest()


def test_values_are_what_the_rest_of_the_house_expects(small_profile: Profile) -> None:
    assert small_profile.phone == "+919000000100"
    assert small_profile.service("session").fee_paise == 60050
    assert [service.code for service in small_profile.services_for(new_patient=True)] == [
        "assessment"
    ]
    assert small_profile.clinician("asha").name.said_in("hinglish") == "Asha Rao"
    assert small_profile.clinician("asha").name.said_in("hi") == "आशा राव"
