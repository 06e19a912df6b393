"""Paper and ink: the tokens of the look, light and dark, as Streamlit's theme.

Rules kept here: fonts come from our own route; no colour stands here twice under two names.
"""

from collections.abc import Mapping
from typing import Any, Final

FONTS: Final = "/in/font"
FACES: Final = [
    {
        "family": family,
        "url": FONTS + "/" + file,
        "weight": weight,
        "style": "normal",
    }
    for family, file, weight in (
        ("Inter", "inter.woff2", "100 900"),
        ("Newsreader", "newsreader.woff2", "200 800"),
    )
]
LIGHT: Final[Mapping[str, str]] = {
    "primaryColor": "#1D4E6B",
    "backgroundColor": "#FBFAF7",
    "secondaryBackgroundColor": "#F1EEE7",
    "textColor": "#16202B",
    "borderColor": "#E2DDD2",
    "linkColor": "#1D4E6B",
    "violetColor": "#5B3F9E",
    "blueColor": "#1D6E8C",
    "grayColor": "#5E6875",
    "yellowColor": "#8A5A06",
    "greenColor": "#1F7A4D",
    "orangeColor": "#A34A06",
    "redColor": "#A3211A",
}
DARK: Final[Mapping[str, str]] = {
    "primaryColor": "#2E7DA3",
    "backgroundColor": "#0F1720",
    "secondaryBackgroundColor": "#17222E",
    "textColor": "#E4E9EE",
    "borderColor": "#263443",
    "linkColor": "#6FB7D3",
    "violetColor": "#B7A0EE",
    "blueColor": "#6FB7D3",
    "grayColor": "#9AA7B4",
    "yellowColor": "#E2BC5A",
    "greenColor": "#6CC79A",
    "orangeColor": "#F0A860",
    "redColor": "#F08A80",
}
_TEXTS: Final = ("violet", "blue", "gray", "yellow", "green", "orange", "red")
_BAR: Final[Mapping[str, str]] = {
    "secondaryBackgroundColor": "#22323F",
    "textColor": "#E4E9EE",
    "borderColor": "#2A3B4A",
    "primaryColor": "#9CC3D5",
    "linkColor": "#9CC3D5",
}


def _of(mode: str, tokens: Mapping[str, str], bar: str) -> dict[str, Any]:
    found: dict[str, Any] = {"theme." + mode + "." + name: value for name, value in tokens.items()}
    for name in _TEXTS:
        found["theme." + mode + "." + name + "TextColor"] = tokens[name + "Color"]
    side = {"backgroundColor": bar, **_BAR}
    for name, value in side.items():
        found["theme." + mode + ".sidebar." + name] = value
    return found


THEME: Final[Mapping[str, Any]] = {
    "theme.base": "light",
    "theme.font": "Inter, system-ui, sans-serif",
    "theme.headingFont": "Newsreader, Georgia, serif",
    "theme.fontFaces": FACES,
    "theme.baseFontSize": 15,
    "theme.baseRadius": "6px",
    "theme.buttonRadius": "6px",
    "theme.headingFontWeights": [500, 500, 500, 600, 600, 600],
    "theme.headingFontSizes": ["2.0rem", "1.6rem", "1.25rem", "1.05rem", "1rem", "0.9rem"],
    "theme.paddingTop": "3rem",
    "theme.showWidgetBorder": True,
    "theme.showSidebarBorder": False,
    **_of("light", LIGHT, "#14212E"),
    **_of("dark", DARK, "#0B1219"),
}
