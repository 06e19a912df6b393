"""Language identification with py3langid's bundled model.

Rule kept here: offline, loaded once and only when common words do not tell the language.
"""

from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES = (
    *("ar", "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hi", "hr", "hu"),
    *("id", "it", "ja", "ko", "lt", "lv", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl"),
    *("sr", "sv", "th", "tr", "uk", "vi", "zh"),
)
"""Languages of business; rarer ones only draw short texts away from these."""


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    """The identifier with probabilities that add up to one."""
    made = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    made.set_languages(LANGUAGES)
    return made


def identify(text: str) -> tuple[str, float]:
    """The likeliest language of a text and its probability, 0 to 1."""
    name, probability = _identifier().classify(text)
    return str(name), float(probability)
