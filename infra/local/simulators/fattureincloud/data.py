"""The books of an imaginary company: record n is made when it is asked for, and is the same every time."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec

Record = dict[str, Any]
YEAR = 2025
FIRST_ID = {"clients": 1_000_001, "suppliers": 2_000_001, "invoices": 3_000_001, "quotes": 4_000_001}
RESOURCES = tuple(FIRST_ID)
DOCUMENT_TYPES = {"invoices": "invoice", "quotes": "quote"}
BEGINNING = datetime(YEAR, 1, 2, 8)
FIRST_NAMES = ("Anna", "Bruno", "Chiara", "Davide", "Elena", "Fabio", "Giulia", "Luca", "Marta", "Nicolò", "Paola")
LAST_NAMES = ("Bianchi", "Colombo", "Conti", "D'Angelo", "Esposito", "Ferrari", "Galli", "Rizzo", "Romano", "Zanetti")
TRADES = ("Edilizia", "Impianti", "Logistica", "Moda", "Ottica", "Ristorazione", "Servizi", "Tessile", "Viaggi")
TOWNS = (("Milano", "MI", "20121"), ("Roma", "RM", "00184"), ("Torino", "TO", "10121"), ("Bolzano", "BZ", "39100"))
WORK = (("Visita", 6500), ("Massaggio", 4890), ("Taglio", 3250), ("Consulenza", 12000), ("Prodotto", 1999))
ONE_IN = 50
"""So many records have nulls and empty texts wherever the API admits them."""


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How many records of each kind the books begin with."""

    clients: int = 500
    suppliers: int = 60
    invoices: int = 1500
    quotes: int = 500

    def of(self, resource: str) -> int:
        """How many of this kind."""
        size: int = getattr(self, resource)
        return size


def made_at(number: int, size: int) -> tuple[str, str]:
    """When record `number` (from 0) of `size` was created and last changed, as FIC writes it; spread over the year."""
    created = BEGINNING + timedelta(minutes=number * 350 * 1440 // max(size, 1))
    return text(created), text(created + timedelta(minutes=number * 37 % 1440))


def text(local: datetime) -> str:
    """FIC's form of an instant, without a zone."""
    return local.strftime("%Y-%m-%d %H:%M:%S")


def made(resource: str, number: int, sizes: Sizes) -> Record:
    """Record `number` (from 0) of a kind."""
    if resource in DOCUMENT_TYPES:
        return _document(resource, number, sizes)
    return _entity(resource, number, sizes.of(resource))


def totals(items: list[Any]) -> dict[str, float]:
    """The document's amounts from its items, rounded to cents per item."""
    net = vat = 0
    for item in items:
        cents = round(float(item.get("net_price") or 0) * 100 * float(item.get("qty") or 1))
        net += cents
        vat += round(cents * float((item.get("vat") or {}).get("value") or 0) / 100)
    return {"amount_net": net / 100, "amount_vat": vat / 100, "amount_gross": (net + vat) / 100}


def _entity(resource: str, number: int, size: int) -> Record:
    rng = Random(f"{resource}{number}")
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    person = rng.random() < 0.5
    city, province, code = rng.choice(TOWNS)
    created_at, updated_at = made_at(number, size)
    record: Record = {
        "id": FIRST_ID[resource] + number,
        "code": f"{resource[0].upper()}{number + 1:05}",
        "name": f"{first} {last}" if person else f"{last} {rng.choice(TRADES)} S.r.l.",
        "type": "person" if person else "company",
        "first_name": first if person else "",
        "last_name": last if person else "",
        "contact_person": f"{first} {last}",
        "vat_number": "" if person else f"IT{rng.randrange(10**11):011}",
        "tax_code": f"{last[:3].upper()}{first[:3].upper()}{rng.randrange(100):02}A{rng.randrange(10, 30)}F205X",
        "address_street": f"Via Roma, {number % 90 + 1}",
        "address_postal_code": code,
        "address_city": city,
        "address_province": province,
        "address_extra": "",
        "country": "Italia",
        "country_iso": "IT",
        "email": f"{resource[:-1]}{number + 1}@example.com",
        "certified_email": f"{resource[:-1]}{number + 1}@pec.example.com",
        "phone": f"02 555{number % 100_000:05}",
        "fax": "",
        "notes": "",
        "default_payment_terms": 30,
        "default_payment_terms_type": "standard",
        "bank_name": "",
        "bank_iban": "",
        "bank_swift_code": "",
        "shipping_address": "",
        "e_invoice": not person,
        "ei_code": "" if person else "ABCXCR1",
        "created_at": created_at,
        "updated_at": updated_at,
    }
    return _sparse(record, {"id", "name", "created_at", "updated_at"}) if number % ONE_IN == ONE_IN - 1 else record


def _document(resource: str, number: int, sizes: Sizes) -> Record:
    rng = Random(f"{resource}{number}")
    kind = DOCUMENT_TYPES[resource]
    created_at, updated_at = made_at(number, sizes.of(resource))
    date = created_at[:10]
    items = [_item(number, index, rng) for index in range(rng.randint(1, 3))]
    amounts = totals(items)
    due = text(datetime.fromisoformat(date) + timedelta(days=30))[:10]
    paid = kind == "invoice" and rng.random() < 0.7
    record: Record = {
        "id": FIRST_ID[resource] + number,
        "type": kind,
        "number": number + 1,
        "numeration": "",
        "date": date,
        "year": YEAR,
        "entity": _short(rng.randrange(max(sizes.clients, 1)), sizes),
        "subject": "",
        "visible_subject": items[0]["name"],
        "currency": {"id": "EUR", "exchange_rate": "1.00000", "symbol": "€"},
        "language": {"code": "it", "name": "Italiano"},
        "notes": "",
        **amounts,
        "amount_due_discount": 0,
        "items_list": items,
        "payments_list": [
            {
                "id": 9_000_000 + number,
                "due_date": due,
                "amount": amounts["amount_gross"],
                "status": "paid" if paid else "not_paid",
                "paid_date": due if paid else None,
                "payment_terms": {"days": 30, "type": "standard"},
            }
        ],
        "payment_method": {"id": 4, "name": "Carta"},
        "e_invoice": kind == "invoice",
        "ei_status": "sent" if kind == "invoice" else None,
        "next_due_date": None if paid else due,
        "seen_date": None,
        "url": f"https://compute.fattureincloud.example/doc/{FIRST_ID[resource] + number}.pdf",
        "attachment_url": None,
        "locked": False,
        "created_at": created_at,
        "updated_at": updated_at,
    }
    kept = {"id", "type", "number", "date", "year", "amount_net", "amount_vat", "amount_gross", "entity", "created_at"}
    return _sparse(record, {*kept, "updated_at"}) if number % ONE_IN == ONE_IN - 1 else record


def _item(number: int, index: int, rng: Random) -> Record:
    name, cents = rng.choice(WORK)
    qty = rng.randint(1, 3)
    return {
        "id": 8_000_000 + number * 10 + index,
        "product_id": None,
        "code": "",
        "name": name,
        "description": "",
        "qty": qty,
        "net_price": cents / 100,
        "gross_price": round(cents * 1.22) / 100,
        "vat": {"id": 0, "value": 22, "description": ""},
        "discount": 0,
    }


def _short(number: int, sizes: Sizes) -> Record:
    """A client as documents quote it."""
    whole = _entity("clients", number, sizes.clients)
    names = ("id", "name", "vat_number", "tax_code", "address_street", "address_city", "country", "email")
    return {name: whole[name] for name in names}


def _sparse(record: Record, kept: set[str]) -> Record:
    return {name: value if name in kept else "" if value == "" else None for name, value in record.items()}
