"""Texts known by their form, as Great Expectations classes (on pandas): `expectations.national.forms` judges each value."""

# ruff: noqa: RUF012 - fields are those of pydantic

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from great_expectations.expectations.expectation import ColumnMapExpectation

from expectations.custom.judging import of_values
from expectations.national import forms
from expectations.national.forms import Forms

FORM_KEYS = ("accept", "also", "mostly")


def _of(family: Forms) -> Callable[..., bool]:
    return lambda value, accept, also: forms.has_form(str(value), family, accept, also)


class ExpectColumnValuesToBePhoneNumber(ColumnMapExpectation):
    """Expect telephone numbers; `accept` names the forms of `expectations.national.forms.PHONE`, `also` lists texts to refuse."""

    accept: list[str] = list(forms.PHONE.default)
    also: list[str] | None = None
    map_metric: ClassVar[str] = of_values("phone_number", _of(forms.PHONE), "accept", "also")
    success_keys: ClassVar[tuple[str, ...]] = FORM_KEYS


class ExpectColumnValuesToBePostcode(ColumnMapExpectation):
    """Expect postcodes of six digits, beginning with one of `prefixes` if given."""

    prefixes: list[str] | None = None
    map_metric: ClassVar[str] = of_values("postcode", lambda v, prefixes: forms.is_postcode(str(v), prefixes), "prefixes")
    success_keys: ClassVar[tuple[str, ...]] = ("prefixes", "mostly")


class ExpectColumnValuesToBeEmailAddress(ColumnMapExpectation):
    """Expect e-mail addresses; `also` lists texts to refuse."""

    accept: list[str] = list(forms.EMAIL.default)
    also: list[str] | None = None
    map_metric: ClassVar[str] = of_values("email_address", _of(forms.EMAIL), "accept", "also")
    success_keys: ClassVar[tuple[str, ...]] = FORM_KEYS


class ExpectColumnValuesToBeVehiclePlate(ColumnMapExpectation):
    """Expect vehicle plates of GA 36; `accept` names the forms of `expectations.national.forms.PLATE`."""

    accept: list[str] = list(forms.PLATE.default)
    also: list[str] | None = None
    map_metric: ClassVar[str] = of_values("vehicle_plate", _of(forms.PLATE), "accept", "also")
    success_keys: ClassVar[tuple[str, ...]] = FORM_KEYS


class ExpectColumnValuesToBeLicenceNumber(ColumnMapExpectation):
    """Expect numbers of licences or decisions; `accept` names the forms of `expectations.national.forms.LICENCE`."""

    accept: list[str] = list(forms.LICENCE.default)
    also: list[str] | None = None
    map_metric: ClassVar[str] = of_values("licence_number", _of(forms.LICENCE), "accept", "also")
    success_keys: ClassVar[tuple[str, ...]] = FORM_KEYS


class ExpectColumnValuesToBePersonName(ColumnMapExpectation):
    """Expect names of persons: no blank, digit, star, lost character or placeholder; `also` lists texts to refuse."""

    accept: list[str] = list(forms.PERSON.default)
    also: list[str] | None = None
    map_metric: ClassVar[str] = of_values("person_name", _of(forms.PERSON), "accept", "also")
    success_keys: ClassVar[tuple[str, ...]] = FORM_KEYS


class ExpectColumnValuesToBeEnterpriseName(ColumnMapExpectation):
    """Expect names of enterprises: no blank, half-width bracket, lost character or placeholder; `also` lists texts to refuse."""

    accept: list[str] = list(forms.ENTERPRISE.default)
    also: list[str] | None = None
    map_metric: ClassVar[str] = of_values("enterprise_name", _of(forms.ENTERPRISE), "accept", "also")
    success_keys: ClassVar[tuple[str, ...]] = FORM_KEYS


class ExpectColumnValuesToNotBePlaceholder(ColumnMapExpectation):
    """Expect no placeholder and no test data: none of the table `placeholder`, and nothing of `also`."""

    also: list[str] | None = None
    map_metric: ClassVar[str] = of_values(
        "not_placeholder", lambda v, also: str(v) not in forms.placeholders() and str(v) not in (also or ()), "also"
    )
    success_keys: ClassVar[tuple[str, ...]] = ("also", "mostly")
