"""The word before a number that says what it is; called by the recognisers of numbers that look like others."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["phone", "ssn", "passport", "card", "version", "other", "unknown"]
"""`unknown`: a number of something, as in "Dienstnummer"."""


class Label(NamedTuple):
    """What the nearest telling word before a number says it is."""

    kind: Kind
    adjacent: bool
    """Whether only words like "number" and "is" stand between it and the number."""


# English, then German, French, Spanish, Italian, Dutch, Portuguese, Nordic and Slavic words.
_KINDS: dict[Kind, str] = {
    "phone": """
        phones tel tele telno ph phoneno mob cell cells fax faxed faxes landline
        call callback called calling calls dial dialing dialling ring whatsapp viber sms text texted texting
        reach reached reaching desk hotline helpline switchboard pager voicemail answering message messages
        festnetz durchwahl ruf rufen ruft
        tél portable fixe joindre joignable télécopie tlf tlfno tfno tfn móvil movil recapito gsm bel bellen
        telemóvel telemovel ligar ligue ringa komórka zadzwoń тел моб мобильный звоните звонить
        电话 電話 手机 手機 携帯 전화 फ़ोन फोन मोबाइल ఫోన్ మొబైల్ โทร""",
    "ssn": "ssn ssns social security itin",
    "passport": "passnr passno 护照 護照 パスポート 여권 पासपोर्ट పాస్పోర్ట్",
    "card": """
        card cards cardno creditcard debitcard cc credit debit visa mastercard amex maestro discover
        kreditkarte kreditkarten karte carte tarjeta carta kaart cartão kort
        kontokort карта карты""",
    "version": """
        version versions ver v rv release build firmware fw rev revision
        section sec chapter figure fig table clause oid""",
    "other": """
        account accounts acct order orders invoice tracking serial case ticket reference
        ref model part iban id ids identifier uid uuid isbn issn policy flight zip zipcode postcode postal item sku
        referencia referencias référence referenz referentie referência riferimento
        routing sort address licence licences license licenses member membership employee student patient customer
        client booking reservation confirmation transaction receipt batch lot code codes pin otp vin imei imsi meid
        tax taxpayer vat ein tin swift bic bban aba mrn npi claim file registration plate device username user
        login password token hash amount total price balance coordinates latitude longitude lat lon lng ean upc
        gtin barcode doi page suite apt box timestamp date dob born birth
        konto bestellung rechnung kunde vertrag
        plz ausweis
        commande facture compte dossier siret siren
        pedido factura cuenta expediente dni nie nif cif
        ordine fattura conto pratica
        bestelling factuur rekening bsn encomenda fatura conta
        订单 訂單 账号 帳號 编号 編號 身份证 注文 会員 口座 주문 계좌""",
}
_KIND_OF: dict[str, Kind] = {word: kind for kind, words in _KINDS.items() for word in words.split()}
# Words that are inflected, or compounded with others: "homePhone", "Diensthandy".
_PHONE_STEMS = (
    "telep", "telef", "télép", "teléf", "mobil", "mobiel", "celul", "cellul", "contact", "contatt", "contat", "kontakt",
    "anruf", "angeruf", "erreich", "appel", "rappel", "llam", "llám", "chiam", "bereik", "телеф",
)  # fmt: skip
_PHONE_ENDINGS = ("phone", "telefon", "telefoon", "mobile", "mobil", "handy")
_PASSPORT_STEMS = (
    "passport", "passeport", "reisepass", "pasaport", "passaport", "paspoort", "paszport", "паспорт",
)  # fmt: skip


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_NUMBER = _words("number numbers no nos nr num nummer nummern n nº numéro numéros numero numeros número números номер")
_NUMBER_SUFFIX = re.compile("(?<=[a-zäöåø]{2})(?:number|nummern?|nr)$")
_STEMS: dict[str, Kind] = {"pass": "passport", "ss": "ssn"}
"""What says what a number is only in one word with it, as in `Passnummer`."""
# What stands before "number" when it is a phone's, as far as anybody can tell.
_WHOSE = _words(
    "the my your his her its their our this that new following same own another alternative alternate direct daytime",
    "evening emergency office work home business personal private free toll registered a at to on",
    "die der das mein meine meiner ihre mon ma votre le la el lo mi su il mio suo het de mijn uw min o den dem",
)
# What stands behind it when it is a count.
_OF = _words("of de di do du des d von van av")
_IS = _words("is was are ist lautet es est è é är er")
_OR = _words("or and ext extension x und oder et ou y o e of en och eller i lub")
_AT = _words("at on via under to au à al alle unter auf op naar på til ao pelo em sur por pod")
# A label only where the number follows at once: "home: 5551234".
_PLACES = _words(
    "office work home private business alternate alternative secondary primary emergency direct evening daytime",
    "support assistance helpdesk info büro privat bureau domicile oficina casa soporte ufficio assistenza kantoor",
)

# Scripts that write no spaces or whose vowel signs are no letters: their labels are found inside of words.
_UNSPACED = "|".join(word for word in _KIND_OF if re.search("[^\u0000-\u058f]", word))
_WORD = re.compile(rf"{_UNSPACED}|[^\W\d_\u0900-\uffff]+|[0-9]+")
_ASCII_WORD = re.compile("[a-z]+|[0-9]+")
_DIGITS_OF_A_NUMBER = 7
"""From here on digits are the number that a label before them spoke for, not "6 pm" or "Suite 12"."""
_REACH = 48
"""Characters before a number in which a word can speak for it: "reach me any time after six at …"."""
# `T: 020 7946 0958`, as on a business card: telephone, phone, mobile, cell, fax, home, work.
_INITIAL = re.compile(r"(?<![A-Za-z0-9])[TPMCFHW]: ?\Z", re.IGNORECASE)


def label_before(text: str, position: int) -> Label | None:
    """What the words before a position in a plain text say of the number there.

    A word speaks for the number after it, and for those that follow with "or". Where the number follows "at" and the
    like, nouns further away are not about it: "call the customer desk at 5551234".

    Returns:
        The nearest word that says something, None where there is no such word within reach.
    """
    words = _words_before(text, position)
    if words and ":" in text[max(0, position - 2) : position] and _INITIAL.search(text, max(0, position - 4), position):
        return Label("phone", adjacent=True)
    for label in _labels(words):
        if label.kind == "phone" or label.adjacent or words[-1] not in _AT:
            return label
    return None


def is_labelled(text: str, position: int, kind: Kind) -> bool:
    """Whether a word before a position says this kind of number, and none right before it says another.

    "The passport number on the booking is X1234567" does, "passport, booking X1234567" does not.
    """
    words = _words_before(text, position)
    for label in _labels(words):
        if label.kind == kind:
            return True
        named = label.kind not in ("other", "unknown")
        if named or (label.adjacent and label.kind == "other" and words[-1] not in _IS):
            return False
    return False


def _words_before(text: str, position: int) -> list[str]:
    """Words in lower case, and digits; nothing where there are no words."""
    before = text[max(0, position - _REACH) : position]
    lowered = before.lower()
    if not before.isascii():
        return _WORD.findall(lowered)
    return _ASCII_WORD.findall(lowered) if lowered != before.upper() else []


def _labels(words: list[str]) -> Iterator[Label]:
    """The labels among the words before a number, the nearest first, as far as they can be about it."""
    adjacent = among_numbers = True
    digits = 0
    for index in range(len(words) - 1, -1, -1):
        word = words[index]
        if word.isdigit():
            digits += len(word)
            if digits >= _DIGITS_OF_A_NUMBER and not among_numbers:
                return
            adjacent = False
            continue
        digits = 0
        kind = _kind(words, index, adjacent=adjacent)
        if kind:
            yield Label(kind, adjacent)
        adjacent = adjacent and (word in _IS or word in _NUMBER)
        among_numbers = among_numbers and word in _OR


def _kind(words: list[str], index: int, *, adjacent: bool) -> Kind | None:
    """What one of the words before a number says it is, with its neighbours: "passport number", "number of guests"."""
    word = words[index]
    if word in _NUMBER:
        return _kind_of_number(words, index)
    if adjacent and word in _PLACES:
        return "phone"
    kind = _kind_of_word(word)
    if kind is None and (suffix := _NUMBER_SUFFIX.search(word)):
        stem = word[: suffix.start()]
        return _STEMS.get(stem) or _kind_of_word(stem) or "unknown"
    return kind


def _kind_of_number(words: list[str], index: int) -> Kind | None:
    owner = words[index - 1] if index else ""
    counts = index + 1 < len(words) and words[index + 1] in _OF
    if owner in _WHOSE and not counts:
        return "phone"
    return None if counts else _kind_of_word(owner) or "unknown"


def _kind_of_word(word: str) -> Kind | None:
    kind = _KIND_OF.get(word)
    if kind is None and (word.startswith(_PHONE_STEMS) or word.endswith(_PHONE_ENDINGS)):
        return "phone"
    if kind is None and word.startswith(_PASSPORT_STEMS):
        return "passport"
    return kind
