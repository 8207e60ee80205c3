"""Make a set of texts with marked personal data: `python -m benchmarks.make_pii_set benchmarks/data/pii_own.jsonl`.

Values come from Faker, in the formats of many countries, so that whoever writes a recogniser does not also write
what it is tried on. The two halves share neither templates nor countries: one may be tuned on, the other is kept
apart. `pii_own.jsonl` is the second half.
"""

import argparse
import json
import random
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from faker import Faker

HALVES: dict[str, tuple[str, ...]] = {
    "tuning": ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT"),
    "apart": (
        "en_US", "en_CA", "en_AU", "en_IN", "en_IE", "de_AT", "de_CH", "nl_NL", "nl_BE", "sv_SE", "pt_PT", "pt_BR",
        "pl_PL", "da_DK", "no_NO", "fr_CH", "es_MX", "fi_FI",
    ),
}  # fmt: skip
"""Countries of each half."""

BANKS: dict[str, tuple[str, ...]] = {
    "tuning": ("de_DE", "en_GB", "fr_FR", "es_ES", "it_IT"),
    "apart": ("nl_NL", "pl_PL", "no_NO", "fi_FI", "de_AT", "de_CH", "pt_PT"),
}
"""Countries with IBANs of their own; for others Faker makes British ones that are too short."""

PASSPORTS = ("#########", "?########", "?#######", "??#######", "???######", "??######", "##??#####", "########")
"""Of the US and UK, then the US, India, Japan and Italy, Spain, Canada, France, Sweden."""

TEMPLATES: dict[str, tuple[str, ...]] = {
    "tuning": (
        "Dear {name}, your order {digits8} has shipped. Call {phone} or write to {email} with questions.",
        "{name}\n{street}\nPhone: {phone}\nE-mail: {email}",
        "My social security number is {ssn}, please update file {digits9}.",
        "SSN: {ssn_bare}\nDOB: {date}",
        "Please charge my card {card}, it expires {month}/{year}.",
        "Transfer {amount} to {iban} before {date}.",
        "{timestamp} INFO login of {email} from {ipv4}",
        "{timestamp} WARN refused {ipv6}: certificate of {company} has expired",
        "The passport number on the booking is {passport}.",
        "Upgraded the driver to version {version}; the build id is {digits9}.",
        "Bonjour, vous pouvez me joindre au {phone} ou par e-mail : {email}.",
        "Bitte überweisen Sie {amount} auf das Konto {iban}. Telefonisch erreichen Sie uns unter {phone}.",
        "Mi número de teléfono es {phone} y mi correo es {email}.",
        "Il mio numero di telefono è {phone}. Il codice della pratica è {digits8}.",
        "Tracking number {tracking}, invoice {digits10}, total {amount}.",
        "ISBN {isbn}, pages 12-345, {year}.",
        "{company} was founded in {year} and has {digits5} employees at {coordinates}.",
        '{{"name": "{name}", "phone": "{phone}", "card": "{card}", "order": {digits10}}}',
        "Fax {phone}, office hours 09.00-17.30, VAT {vat}.",
        "User-Agent: {user_agent} from {ipv4} at {timestamp}",
    ),
    "apart": (
        "Hi, it's {name}. I moved, so from {date} on reach me at {phone}.",
        "You can text {name} at {phone}; she checks {email} only once a week.",
        "{name} | {company} | {street} | {phone} | {email}",
        "Customer {digits8} ({name}) asked us to remove {email} and the number {phone} from the list.",
        "Emergency contact: {name}, {phone}",
        "Kontakt: {name}, Tel. {phone}, {email}",
        "Neem contact op via {phone} of mail naar {email}.",
        "Ring mig på {phone} i morgon, hälsningar {name}",
        "Ligue para {phone} e fale com {name}, processo {digits9}.",
        "Para más información llame al {phone}. Referencia {digits10}.",
        "Veuillez contacter le service client au {phone}, dossier {digits8}.",
        "<contact><name>{name}</name><tel>{phone}</tel><mail>{email}</mail></contact>",
        '{{"user_id": {digits10}, "mobile": "{phone}", "ip": "{ipv4}", "created_at": "{timestamp}"}}',
        "name,phone,email\n{name},{phone},{email}",
        "Mobile: {phone}\nOffice: {phone}\nRef: {digits9}",
        "The applicant's SSN is {ssn} and her case number is {digits8}.",
        "Employee {digits6}: social security number {ssn_bare}, hired {date}.",
        "Taxpayer {name} (SSN {ssn}) owes {amount}.",
        "We could not charge {card}; please give us another card.",
        "Visa {card}, cvv 123, name on card {name}",
        "Refund of {amount} to card ending in 4242 done; terminal {digits12}, receipt {digits10}.",
        "IBAN {iban}, account holder {name}",
        "Betaal {amount} naar {iban} onder vermelding van {digits10}.",
        "La cuenta {iban} está a nombre de {name}.",
        "Failed password for root from {ipv4} port 52113 ssh2",
        "nameserver {ipv6}",
        "Blocked {ipv4} and {ipv6} after 5 attempts, MAC {mac}.",
        "curl http://{ipv4}:8080/health timed out at {timestamp}",
        "She travels on passport {passport}, issued {date}.",
        "Passport No: {passport}\nNationality: {country}",
        "Numéro de passeport : {passport}, nom : {name}",
        "Reisepassnummer {passport}, gültig bis {date}",
        "Release {version} of the firmware fixes issue {digits6} and needs 1.2.3 or later.",
        "Meeting id {digits10}, on {date} from 10:30 to 11:45 in room 4-201.",
        "Parcel {tracking} weighs 1.250 kg, see {uuid}.",
        "EAN {ean}, ISBN {isbn}, price {amount}",
        "Model X{digits5}, serial {digits12}, bought {date} for {amount}.",
        "Lat/long: {coordinates}, altitude 1024 m, measured {timestamp}",
        "Population {digits8}, area 1 234 567 km2, census of {year}-{month}-01.",
        "Invoice {digits9} of {date}: {amount}. Account number {digits10}, sort code 20-30-40.",
        "Epoch 1700000000123, request {uuid}, took 0.123456789 s",
        "Case {digits5}-{digits6}, docket {digits8}, heard {date}",
    ),
}
"""Texts with gaps: marked ones are personal data, the others look like some and are none."""

MARKED = {
    "phone": "PHONE", "email": "EMAIL", "ssn": "SSN", "ssn_bare": "SSN", "card": "CREDIT_CARD", "iban": "IBAN",
    "ipv4": "IPV4", "ipv6": "IPV6", "passport": "PASSPORT",
}  # fmt: skip
"""Type of the gaps that are personal data."""

UNTIL = date(2025, 1, 1)
"""The latest day in the texts: not today, so that a seed makes the same texts on any day."""

_GAP = re.compile(r"\{([a-z0-9_]+)\}")


def grouped(text: str, separators: Sequence[str], chance: random.Random) -> str:
    """Four by four, with one of the separators between."""
    return chance.choice(separators).join(re.findall(".{1,4}", text))


def makers(fake: Faker, bank: Faker, chance: random.Random) -> dict[str, Callable[[], str]]:
    """What fills each gap, in the formats of one country."""

    def passport() -> str:
        return fake.numerify(fake.lexify(chance.choice(PASSPORTS), "ABCDEFGHJKLMNPRSTUVWXYZ"))

    def digits(count: int) -> Callable[[], str]:
        return lambda: fake.numerify("%" + "#" * (count - 1))

    american = Faker("en_US")
    american.seed_instance(chance.randrange(2**32))
    return {
        "phone": fake.phone_number,
        "email": fake.email,
        "ssn": american.ssn,
        "ssn_bare": lambda: american.ssn().replace("-", ""),
        "card": lambda: grouped(
            american.credit_card_number(chance.choice(("visa16", "mastercard", "discover"))), ("", " ", "-"), chance
        ),
        "iban": lambda: grouped(bank.iban(), ("", " "), chance),
        "ipv4": fake.ipv4,
        "ipv6": fake.ipv6,
        "passport": passport,
        "name": fake.name,
        "street": lambda: fake.street_address().replace("\n", ", "),
        "company": fake.company,
        "country": fake.country,
        "date": lambda: fake.date(chance.choice(("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y%m%d")), UNTIL),
        "month": lambda: fake.date("%m", UNTIL),
        "year": lambda: fake.date("%Y", UNTIL),
        "timestamp": lambda: fake.date(
            chance.choice(("%Y-%m-%dT%H:%M:%S.000123Z", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M")), UNTIL
        ),
        "amount": lambda: chance.choice(
            ("$1,234,567.89", "€ 1.234.567,89", "1 234 567 kr", "2,500,000 USD", "CHF 12'345.60")
        ),
        "version": lambda: fake.numerify("#.#.%#.%"),
        "tracking": lambda: fake.numerify("1Z999AA1#########"),
        "isbn": fake.isbn13,
        "ean": fake.ean13,
        "uuid": fake.uuid4,
        "mac": fake.mac_address,
        "vat": lambda: fake.numerify("DE#########"),
        "coordinates": lambda: f"{fake.latitude()}, {fake.longitude()}",
        "user_agent": fake.chrome,
        **{f"digits{count}": digits(count) for count in (5, 6, 8, 9, 10, 12)},
    }


def fill(template: str, make: dict[str, Callable[[], str]]) -> dict[str, object]:
    """A text with its spans, as a line of the set."""
    parts, spans, length = list[str](), list[tuple[int, int, str]](), 0
    for index, piece in enumerate(_GAP.split(template.replace("{{", "\0").replace("}}", "\1"))):
        name, value = piece, piece.replace("\0", "{").replace("\1", "}")
        if index % 2:
            value = make[name]()
            if name in MARKED:
                spans.append((length, length + len(value), MARKED[name]))
        parts.append(value)
        length += len(value)
    return {"text": "".join(parts), "spans": spans}


def rows(half: str, count: int, seed: int) -> list[dict[str, object]]:
    """That many texts of one half, each template as often as the others."""
    chance = random.Random(seed)
    fakers, banks = ([Faker(locale) for locale in locales] for locales in (HALVES[half], BANKS[half]))
    for fake in (*fakers, *banks):
        fake.seed_instance(chance.randrange(2**32))
    made = [makers(fake, bank, chance) for fake in fakers for bank in banks]
    templates = TEMPLATES[half]
    return [fill(templates[index % len(templates)], chance.choice(made)) for index in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--half", choices=HALVES, default="apart")
    parser.add_argument("--count", type=int, default=420)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    lines = (json.dumps(row, ensure_ascii=False) for row in rows(options.half, options.count, options.seed))
    options.path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
