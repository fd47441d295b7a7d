"""Lets the tests of this folder import `catalogue_support`, and makes the small project of most of them."""

import sys
from pathlib import Path

import pytest

from assets.project import Project

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A register that may be opened in part, one that is shared under conditions and given up, one that is not shared."""
    from catalogue_support import write_contract

    write_contract(
        tmp_path,
        "shop",
        "{resourceCode: 301001/1, sharing: 1, open: true, published: 2026-03-01, providerCode: '112199019900000179', "
        "classification: [商务厅, 流通], related: [301001/2, 301001/3], responsibilities: {storage: 数据局}, "
        "registration: {state: changed, date: 2024-02-29, number: R1}, users: [{who: 税务局, purpose: 核对税源, condition: 仅用于核对}]}",
    )
    write_contract(
        tmp_path, "stall", "{resourceCode: 301001/2, sharing: 2, basis: 履行职责使用, open: true}", title="摊位", ends="2026-03-31"
    )
    write_contract(tmp_path, "secret", "{resourceCode: 301001/3, sharing: 3, basis: 保密法第一条, open: false}", title="名单")
    return Project(tmp_path, tmp_path / "data")
