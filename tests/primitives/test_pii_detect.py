"""`pii_detect` finds each type, masks it and leaves the rest alone, quickly, whatever the text is."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.errors import InvalidInput
from intermezzo.primitives.pii_detect import ENTITY_TYPES, PiiDetectOutput, mask, pii_detect
from intermezzo.primitives.pii_findings import EntityType, find_all
from intermezzo.primitives.pii_numbers import IBAN_LENGTHS, iban_valid, luhn
from intermezzo.steps import registered


def found(text: str, *types: EntityType) -> list[tuple[str, str]]:
    return [(finding.type, text[finding.start : finding.end]) for finding in find_all(text, types or ENTITY_TYPES)]


async def test_the_documented_example_finds_and_masks_mail_and_phone() -> None:
    output = await pii_detect.fn(text="Call John Smith at john@example.com or 555-123-4567", mask=True)
    assert [(entity.type, entity.value) for entity in output.entities] == [
        ("EMAIL", "john@example.com"),
        ("PHONE", "555-123-4567"),
    ]
    assert output.redacted_text == "Call John Smith at [EMAIL] or [PHONE]"
    assert output.count == 2
    assert output.summary == "2 found: 1 EMAIL, 1 PHONE"


async def test_without_mask_there_is_no_redacted_text() -> None:
    output = await pii_detect.fn(text="bob@example.com")
    assert output.redacted_text is None
    assert (output.entities[0].start, output.entities[0].end) == (0, 15)


async def test_the_output_has_the_documented_fields() -> None:
    output = await pii_detect.fn(text="bob@example.com")
    assert set(output.model_dump()) == {"summary", "entities", "count", "redacted_text"}
    assert set(output.model_dump()["entities"][0]) == {"type", "start", "end", "value", "score"}


def test_it_costs_two_credits_and_is_registered() -> None:
    assert registered("pii_detect") is pii_detect
    assert pii_detect.credits == 2


@pytest.mark.parametrize("name", ["EMAIL", "email", "Email"])
async def test_entity_types_are_accepted_in_any_case(name: str) -> None:
    output = await pii_detect.fn(text="bob@example.com 555-123-4567", entities=[name])  # pyright: ignore[reportArgumentType]
    assert [entity.type for entity in output.entities] == ["EMAIL"]


@pytest.mark.parametrize("name", ["credit card", "credit-card", "Credit_Card"])
async def test_entity_types_of_two_words_are_accepted_however_they_are_joined(name: str) -> None:
    output = await pii_detect.fn(text="4111111111111111", entities=[name])  # pyright: ignore[reportArgumentType]
    assert [entity.type for entity in output.entities] == ["CREDIT_CARD"]


async def test_an_unknown_entity_type_is_refused_with_the_list() -> None:
    with pytest.raises(InvalidInput) as caught:
        await pii_detect.fn(text="x", entities=["NAME"])  # pyright: ignore[reportArgumentType]
    assert all(name in str(caught.value) for name in (*ENTITY_TYPES, "'NAME'"))


async def test_an_empty_list_of_types_is_refused_rather_than_finding_nothing() -> None:
    with pytest.raises(InvalidInput, match="entities"):
        await pii_detect.fn(text="x", entities=[])


@pytest.mark.parametrize(
    ("text", "type", "value"),
    [
        ("mail ann.o'neil+news@mail.example.co.uk.", "EMAIL", "ann.o'neil+news@mail.example.co.uk"),
        ("<müller@bücher.example>", "EMAIL", "müller@bücher.example"),
        ("我的邮箱是john@example.com。", "EMAIL", "john@example.com"),
        ("?email=ann@example.com&x=1", "EMAIL", "ann@example.com"),
        ("call +41 (0)44 668 18 00 now", "PHONE", "+41 (0)44 668 18 00"),
        ("call +442079460958", "PHONE", "+442079460958"),
        ("001-253-366-9781", "PHONE", "001-253-366-9781"),
        ("(602)272-9781", "PHONE", "(602)272-9781"),
        ("+1-903-140-4508x769 please", "PHONE", "+1-903-140-4508x769"),
        ("tél. 01.84.17.61.18", "PHONE", "01.84.17.61.18"),
        ("my mobile: 374 780 163", "PHONE", "374 780 163"),
        ("930.167.3943 fax", "PHONE", "930.167.3943"),
        ("in 2024 555-123-4567 was", "PHONE", "555-123-4567"),
        ("SSN 123-45-6789", "SSN", "123-45-6789"),
        ("ssn_of_applicant: 987-65-4321", "SSN", "987-65-4321"),
        ("verify 123.45.6789 and 363", "SSN", "123.45.6789"),
        ("his SSN is 923.45.6789", "SSN", "923.45.6789"),
        ("social security number 123456789.", "SSN", "123456789"),
        ("4111 1111 1111 1111", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("4111-1111-1111-1111 123", "CREDIT_CARD", "4111-1111-1111-1111"),
        ("4111 1111 1111 1111 123", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("amex 378282246310005,", "CREDIT_CARD", "378282246310005"),
        ("1234 4111 1111 1111 1111", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("card 9999990000000006", "CREDIT_CARD", "9999990000000006"),
        ("amex 3782 822463 10005", "CREDIT_CARD", "3782 822463 10005"),
        ("GB82 WEST 1234 5698 7654 32 and more", "IBAN", "GB82 WEST 1234 5698 7654 32"),
        ("de89370400440532013000", "IBAN", "de89370400440532013000"),
        ("from 192.168.0.1:8080", "IPV4", "192.168.0.1"),
        ("at 2001:db8::8a2e:370:7334, then", "IPV6", "2001:db8::8a2e:370:7334"),
        ("ping ::1.", "IPV6", "::1"),
        ("[2001:db8::1]:443", "IPV6", "2001:db8::1"),
        ("fe80::1%eth0", "IPV6", "fe80::1"),
        ("2001:db8::/32", "IPV6", "2001:db8::"),
        ("address 2001:db8:0:0:0:0:0:1: ok", "IPV6", "2001:db8:0:0:0:0:0:1"),
        ("::ffff:192.0.2.128", "IPV6", "::ffff:192.0.2.128"),
        ("Passport number: X12345678.", "PASSPORT", "X12345678"),
        ("my passport is 123456789", "PASSPORT", "123456789"),
        ("X12345678 (passport)", "PASSPORT", "X12345678"),
        ("Reisepassnummer: C01X00T47", "PASSPORT", "C01X00T47"),
        ("passport no. AB 123456", "PASSPORT", "AB 123456"),
        ("numéro de passeport 12AB34567", "PASSPORT", "12AB34567"),
    ],
)
def test_each_type_is_found_in_its_usual_spellings(text: str, type: str, value: str) -> None:
    assert found(text) == [(type, value)]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "GB82 WEST 1234 5698 7654 33",
        "ZZ82WEST12345698765432",
        "256.1.1.1",
        "1.2.3",
        "version 1.2.3.4.5",
        "std::cache dead::beef a::b ::",
        "00:1A:2B:3C:4D:5E",
        "at 12:30:45 on 2024-01-15 and 15.01.2024",
        "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000",
        "order 12345678",
        "user@localhost a@b ..@example.com",
        "git clone git@example.com:ann/notes.git",
        "pi is 3.14159265358979",
        "$1,234,567.89 and 1 000 000",
        "AB1234567",
    ],
)
def test_what_only_looks_alike_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "number",
    [
        "+1 (212) 555-0143", "+1-212-555-0143 ext. 12", "1-800-555-0199", "(212) 555-0143", "+44 (0)20 7946 0958",
        "+33 1 84 17 61 18", "+33184176118", "01 84 17 61 18", "+49 (0) 30 1234567", "+49 30 1234567", "030/1234567",
        "0151 23456789", "+61 2 9374 4000", "+81 3-1234-5678", "+39 06 6982", "+34 612 34 56 78", "+45 12 34 56 78",
        "+358 9 1234567", "+7 495 123-45-67", "+91 98765 43210", "+55 (11) 91234-5678", "+31 6 12345678",
        "06-12345678", "+46 8 123 456 78", "08-123 456 78", "+41 44 668 18 00", "+972 54 123 4567", "(020) 7946 0958",
        "0033 1 84 17 61 18", "tel:+442079460958", "+86 138 0013 8000", "+353 1 234 5678", "+ 351 912 345 678",
        "1805 843-9788", "02924/44922057", "01238 762 624-6872", "+44.02707.2926", "+06 54.691-8728",
    ],
)  # fmt: skip
def test_phone_numbers_of_many_countries_need_no_word_before_them(number: str) -> None:
    assert found(f"it was {number}, then") == [("PHONE", number.removeprefix("tel:"))]


@pytest.mark.parametrize(
    "text",
    [
        "Phone: {}", "phone_number={}", '"mobile": "{}"', "Telefonnummer {}", "téléphone : {}", "móvil {}", "T: {}",
        "please call me back on {}", "Tel.\n{}", "<fax>{}</fax>", "my number is {}", "手机{}", "{} (mobile)", "{}-Fax",
        '"homePhone": "{}"', "Diensthandy {}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("number", ["9498777106", "612 345 678", "12 34 56 78", "467 3395"])
def test_a_word_next_to_it_makes_a_phone_number_of_plain_digits(text: str, number: str) -> None:
    assert found(text.format(number)) == [("PHONE", number)]


@pytest.mark.parametrize(
    "text",
    [
        "order 9498777106", "Account number: 612 345 678", "employee number 1234567", "call us about ticket 12345678",
        "invoice 0123 456 789", "order number 123-456-7890", "ISBN 978-3-16-148410-0", "call on 2024-01-15 12:30",
        "call before 15.01.2024 or 20240115", "phone 1111111",
        "numbers 1 2 3 4 5 6 7 8", "epoch 1700000000", "40.7127753, -74.0059728", "Science 12 (2015) 123-145",
        "$5551234567", "0-306-40615-2", "sort code 20-30-40", "md5 01234567890abcdef", "+40.712776, -74.005974",
        "Austin, TX 75001-1234", "vom 01.02.-03.04.2021", "open 09.00-17.30, fax",
        "Heinlein ( 1907-1988 )", "on mobile, sum: 43158.16", "+0.123456789", "Mobile/8B116 Safari/6532.27.5",
        "788335464 + 68923043 = 857258507", "手机 , 订单号 197618368", "電話と注文番号 905505382", "Ann (350014049)",
    ],
)  # fmt: skip
def test_digits_that_are_something_else_are_no_phone_number(text: str) -> None:
    assert found(text, "PHONE") == []


@pytest.mark.parametrize(
    "text",
    [
        "version 10.0.19.41", "v. 1.2.3.4", "Release: 4.3.2.1", "section 1.2.3.4", "1.2.3.4.5", "01.02.03.04",
        "Mozilla rv:1.9.7.20", "Fig. 1.2.3.4", "fw 2.7.20.5",
        "00:11:22:33:44:55:66:77", "imei 352099001761481", "serial 1234567890123452", "created 1700000000006",
        "ssn on file since 20240115", "passport valid until 20301231", "passport, then order A1234567",
        "a passport and no number 12345",
    ],
)  # fmt: skip
def test_versions_serials_and_days_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_ibans_of_every_registered_length_are_found_in_groups_and_in_one() -> None:
    for country, length in IBAN_LENGTHS.items():
        account = f"{'0123456789' * 4}"[: length - 4]
        check = next(digits for digits in range(2, 99) if iban_valid(f"{country}{digits:02}{account}"))
        iban = f"{country}{check:02}{account}"
        grouped = " ".join(iban[index : index + 4] for index in range(0, length, 4))
        assert found(f"to {iban}.") == [("IBAN", iban)]
        assert found(f"to {grouped}.") == [("IBAN", grouped)]


def test_values_of_a_table_are_found_without_spaces_between_them() -> None:
    row = "1,Rosa Lind,+46 8 555 123 45,4539578763621486,192.0.2.146,ann@example.com"
    assert [value for _, value in found(row)] == row.split(",")[2:]


def test_a_word_speaks_for_the_number_after_it_and_for_no_further_one() -> None:
    assert found("passport X1234567, mobile 045 7705783") == [("PASSPORT", "X1234567"), ("PHONE", "045 7705783")]
    assert found("telefon +48 601 555 019, PESEL 44051401359") == [("PHONE", "+48 601 555 019")]
    assert found("mijn nieuwe nummer is 06-41882093, dienstnummer 41882093") == [("PHONE", "06-41882093")]


def test_two_numbers_in_a_row_are_two() -> None:
    assert [number for _, number in found("555-123-4567/555-987-6543")] == ["555-123-4567", "555-987-6543"]
    assert [number for _, number in found("tel. 9498777106 or 9498777107")] == ["9498777106", "9498777107"]
    assert [number for _, number in found("01 84 17 61 18 01 84 17 61 19")] == ["01 84 17 61 18", "01 84 17 61 19"]
    assert found("+1 212 555 0143 2023 was good") == [("PHONE", "+1 212 555 0143")]
    assert found("Mobil: 08-140 652 49, kundnummer 146136002") == [("PHONE", "08-140 652 49")]


def test_overlaps_give_the_surer_or_longer_finding() -> None:
    assert found("5551234567@example.com") == [("EMAIL", "5551234567@example.com")]
    assert found("phone@example.com took 12345678") == [("EMAIL", "phone@example.com")]
    assert found("::ffff:192.0.2.1") == [("IPV6", "::ffff:192.0.2.1")]
    assert found("call DE89 3704 0044 0532 0130 00") == [("IBAN", "DE89 3704 0044 0532 0130 00")]


@pytest.mark.parametrize("digits", ["4111111111111111", "5555555555554444", "30569309025904", "6011000990139424"])
def test_luhn_accepts_test_cards_and_refuses_any_changed_digit(digits: str) -> None:
    assert luhn(digits)
    for index, digit in enumerate(digits):
        assert not luhn(digits[:index] + str((int(digit) + 1) % 10) + digits[index + 1 :])


def test_iban_check_digits_are_verified() -> None:
    assert iban_valid("GB82WEST12345698765432")
    assert not iban_valid("GB83WEST12345698765432")


PIECES = [
    "bob@example.com", "555-123-4567", "4111 1111 1111 1111", "+41 44 668 18 00", "192.0.2.1", "::1",
    "passport", "DE89370400440532013000", "123-45-6789", "call", "@", ".", " ", "\n", "-", "(", "0", "1", "x",
    "é", "٣", "☎",
]  # fmt: skip
texts = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))


@given(texts)
def test_spans_match_the_text_in_order_and_without_overlaps(text: str) -> None:
    position = 0
    for finding in find_all(text, ENTITY_TYPES):
        assert position <= finding.start < finding.end <= len(text)
        assert 0 < finding.score <= 1
        position = finding.end


@given(texts)
def test_masking_changes_nothing_but_the_findings(text: str) -> None:
    findings = find_all(text, ENTITY_TYPES)
    rest = mask(text, findings)
    position = 0
    for finding in findings:
        kept = text[position : finding.start] + f"[{finding.type}]"
        assert rest.startswith(kept)
        rest = rest.removeprefix(kept)
        position = finding.end
    assert rest == text[position:]


@given(texts)
async def test_values_are_the_text_at_their_span(text: str) -> None:
    output = await pii_detect.fn(text=text, mask=True)
    assert output.count == len(output.entities)
    assert all(text[entity.start : entity.end] == entity.value for entity in output.entities)
    assert len(output.summary) <= 500


@given(texts, st.sets(st.sampled_from(ENTITY_TYPES), min_size=1))
def test_a_subset_is_what_everything_has_of_these_types(text: str, types: set[EntityType]) -> None:
    everything = find_all(text, ENTITY_TYPES)
    assert find_all(text, types) == [finding for finding in everything if finding.type in types]


async def test_others_go_on_while_a_long_text_is_read() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(others())
    output: PiiDetectOutput = await pii_detect.fn(text="write to bob@example.com or call 555-123-4567. " * 10_000)
    other.cancel()
    assert output.count == 20_000
    assert turns > 10
