"""Text stands out at 4.5 to 1 and edges at 3 to 1, in light and in dark, whatever hex someone changes."""

import pytest
from PySide6.QtGui import QColor, QPalette

from clinicdesk.desktop.look.tokens import ColourName, Metrics, Timing, Tokens

SCHEMES = [pytest.param(Tokens.light(), id="light"), pytest.param(Tokens.dark(), id="dark")]


def luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


TEXT: list[tuple[ColourName, ColourName]] = [
    *((ink, ground) for ink in ("ink", "ink2") for ground in ("base", "chrome", "alt", "off", "sunk", "raised", "sel")),
    ("ink3", "base"), ("ink3", "chrome"), ("ink3", "alt"),
    *(("ink", tint) for tint in ("slate_tint", "amber_tint", "rust_tint", "sand_tint", "ok_tint", "accent_tint")),
    *(("ink2", tint) for tint in ("slate_tint", "amber_tint", "sand_tint", "accent_tint")),
    ("slate_ink", "slate_tint"), ("amber_ink", "amber_tint"), ("rust_ink", "rust_tint"), ("sand_ink", "sand_tint"),
    ("ok", "ok_tint"), ("ok", "base"), ("accent", "base"), ("accent", "accent_tint"), ("accent", "sand_tint"),
    ("amber_ink", "base"), ("rust_ink", "base"), ("rust_ink", "slate_tint"), ("rust_ink", "sand_tint"),
    ("amber_ink", "slate_tint"), ("on_solid", "solid"), ("on_tip", "tip"), ("base", "rust"),
]  # fmt: skip

EDGES: list[tuple[ColourName, ColourName]] = [
    ("ctl", "base"), ("ctl", "chrome"), ("focus", "base"), ("focus", "chrome"), ("solid", "base"),
    ("slate", "base"), ("slate", "slate_tint"), ("amber", "base"), ("amber", "amber_tint"), ("rust", "base"),
    ("rust", "rust_tint"), ("sand", "base"), ("sand", "sand_tint"), ("accent", "base"),
]  # fmt: skip


@pytest.mark.parametrize("tokens", SCHEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(tokens: Tokens, ink: ColourName, ground: ColourName) -> None:
    assert contrast(tokens.colour(ink), tokens.colour(ground)) >= 4.5


@pytest.mark.parametrize("tokens", SCHEMES)
@pytest.mark.parametrize(("edge", "ground"), EDGES)
def test_edges_can_be_seen(tokens: Tokens, edge: ColourName, ground: ColourName) -> None:
    assert contrast(tokens.colour(edge), tokens.colour(ground)) >= 3


@pytest.mark.parametrize("tokens", SCHEMES)
def test_the_numbers_of_the_heat_map_can_be_read(tokens: Tokens) -> None:
    for step in tokens.heat[:5]:
        assert contrast(tokens.ink, step) >= 4.5
    assert max(contrast(tokens.heat[5], tokens.base), contrast(tokens.heat[5], tokens.ink)) >= 4.5


def test_the_measured_contrasts_of_the_design_hold() -> None:
    light = Tokens.light()
    assert contrast(light.ink, light.base) == pytest.approx(16.59, abs=0.01)
    assert contrast(light.ink3, light.chrome) == pytest.approx(4.93, abs=0.01)
    assert contrast(Tokens.dark().solid, Tokens.dark().base) == pytest.approx(3.35, abs=0.01)


def test_high_contrast_uses_only_the_colours_of_the_system() -> None:
    palette = QPalette()
    for role, colour in {
        QPalette.ColorRole.Base: "#000000", QPalette.ColorRole.Text: "#ffff00", QPalette.ColorRole.Window: "#000000",
        QPalette.ColorRole.Highlight: "#00ffff", QPalette.ColorRole.HighlightedText: "#000000",
    }.items():  # fmt: skip
        palette.setColor(role, QColor(colour))
    tokens = Tokens.high_contrast(palette)
    for ink, ground in TEXT:
        if ground != "rust":
            assert contrast(tokens.colour(ink), tokens.colour(ground)) >= 4.5, (ink, ground)
    assert tokens.amber_tint == tokens.base
    assert tokens.is_contrast
    assert tokens.is_dark


def test_text_size_scales_distances_but_not_strokes() -> None:
    big = Metrics.at(2.0)
    assert (big.row, big.gutter, big.px(12)) == (64, 104, 24)
    assert (big.stroke, big.focus_stroke) == (1, 2)


def test_comfortable_density_adds_four_px_to_rows_alone() -> None:
    assert Metrics.at(comfortable=True).row == 36
    assert Metrics.at(comfortable=True).field == Metrics().field


def test_reduced_motion_keeps_the_toast_its_eight_seconds() -> None:
    assert Timing.reduced().slide == 0
    assert Timing.reduced().toast == 8_000
