"""Text as the gate reads it: one spelling for what looks or sounds the same.

Nothing here knows what is clinical. `clean` undoes what keyboards and pranks do to letters;
`tokens`
cuts words; the `fold_*` functions give the key under which spelling variants of Hindi meet.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import List, Text

import regex

# Letters of other scripts (and letter-like signs) that look like a Latin letter; NFKC leaves them
# alone.
# Source: the single-letter rows of Unicode's confusables.txt for Cyrillic, Greek and Latin
# extensions.
_LOOK_ALIKES = str.maketrans(
    "абвгеорсухіјѕһԁԛԝкмтнпӏѵ" + "αβγεηικνορτυχω" + "ıɑɡɩʟɪʏᴀᴇᴏʀꜱłøđħŧ",
    "a6breopcyxijshdqwkmthnlv" + "abyenikvoptuxw" + "iagiliyaeorslodht",
)
_LEET = str.maketrans("013457@$!", "oieastasi")
_LEET_INSIDE = re.compile(r"(?<=[a-z])[013457@$!]+(?=[a-z])")
_SPELLED_OUT = regex.compile(
    r"(?<![\p{L}\p{M}\p{N}])(?:\p{Latin}[ .\-_*]{1,2}){2,}\p{Latin}(?![\p{L}\p{M}\p{N}])"
)
_INSIDE_WORD = regex.compile(r"(?<=\p{L})[*_~|\u2022·]+(?=\p{L})")
_INVISIBLE = regex.compile(r"[\p{Cf}\p{Cc}\uFE00-\uFE0F\u034F\u115F\u1160\u3164\uFFA0]")
_LATIN_MARKS = regex.compile(r"(?<=[a-z])\p{Mn}+")
_QUOTES = re.compile(r"(?<=\w)['’‘`´](?=\w)")
_SPACES = re.compile(r"\s+")
_LONG_RUN = regex.compile(r"((?:\p{L}\p{M}*))\1{2,}")
_TOKEN = regex.compile(r"[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}]")
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_FOREIGN_WORD = regex.compile(r"[^\p{Latin}\p{Devanagari}\p{Common}\p{Inherited}]{2,}")

_DEVANAGARI = str.maketrans({"़": None, "ँ": "ं", "ऑ": "ओ", "ॉ": "ो", "ॅ": "े", "।": " ", "॥": " "})


def clean(text: Text) -> Text:
    """Lower case, one width, no invisible or combining tricks, look-alikes as Latin, quotes inside
    words gone.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join(" " if c in "\n\t\r" else c for c in text)
    text = _INVISIBLE.sub("", text)
    if not text.isascii():
        text = _LATIN_MARKS.sub("", unicodedata.normalize("NFD", text))
        text = unicodedata.normalize("NFC", text).translate(_DEVANAGARI)
        text = _undo_look_alikes(text)
    text = _QUOTES.sub("", text)
    text = _INSIDE_WORD.sub("", text)
    text = _LEET_INSIDE.sub(lambda m: m.group().translate(_LEET), text)
    text = _SPELLED_OUT.sub(lambda m: regex.sub(r"[ .\-_*]", "", m.group()), text)
    return _SPACES.sub(" ", text).strip()


def _undo_look_alikes(text: Text) -> Text:
    """Words of look-alike letters become Latin, unless the message is really written in that
    script.
    """
    scripts = {s for s in ("Latin", "Devanagari") if regex.search(rf"\p{{{s}}}", text)}

    def fix(match: "regex.Match[Text]") -> Text:
        word = match.group()
        if word.isascii() or not (scripts or len(word) == 1):
            return str(word)
        fixed = word.translate(_LOOK_ALIKES)
        return fixed if fixed.isascii() else str(word)

    return str(_WORD.sub(fix, text))


def tokens(cleaned: Text) -> List[Text]:
    """Words, numbers and single signs (emoji too) of a cleaned text, in order."""
    return list(_TOKEN.findall(cleaned))


def word_count(cleaned: Text) -> int:
    """How many words and numbers the cleaned text has."""
    return sum(1 for token in tokens(cleaned) if token[0].isalnum())


def script_of(cleaned: Text) -> Text:
    """`latin`, `devanagari`, `mixed` of these two, `other` (a word, or many letters, of another
    script), or `none` (no letter).
    """
    latin = len(regex.findall(r"\p{Latin}", cleaned))
    devanagari = len(regex.findall(r"\p{Devanagari}", cleaned))
    letters = len(regex.findall(r"\p{L}|\p{M}", cleaned))
    # one word that nothing here can read may be the one that matters
    if letters - latin - devanagari > 0.2 * letters or _FOREIGN_WORD.search(cleaned):
        return "other"
    if latin and devanagari:
        return "mixed"
    return "latin" if latin else "devanagari" if devanagari else "none"


def shorten_runs(word: Text, length: int) -> Text:
    """`paaain` with runs of three and more letters cut to `length`."""
    return str(_LONG_RUN.sub(lambda m: m.group(1) * length, word))


# Romanised Hindi has no spelling: the same sound is written many ways. Each pair maps one way of
# writing to
# the key's way, in this order.
_LATIN_FOLDS = [
    (re.compile(p), r)
    for p, r in (
        (r"chh+|cch", "ch"),
        (r"ck|q|(?<!c)kh|c(?!h)", "k"),
        (r"ph", "f"),
        (r"bh", "b"),
        (r"gh", "g"),
        (r"dh", "d"),
        (r"th", "t"),
        (r"jh|z", "j"),
        (r"w", "v"),
        (r"sh", "s"),
        (r"(?<=[aeiou])h(?=[aeiou])", "h"),
        (r"ee+|ie|ii+", "i"),
        (r"oo+|uu+", "u"),
        (r"aa+", "a"),
        (r"ai|ei|ay|ey", "e"),
        (r"au|ou|ow", "o"),
        (r"y", "i"),
        (r"(?<=.)h$", ""),
        (r"(.)\1+", r"\1"),
    )
]
_VOWELS = re.compile(r"(?<=.)[aeiou]")
_DEVANAGARI_FOLD = str.maketrans(
    {
        "ी": "ि",
        "ू": "ु",
        "ई": "इ",
        "ऊ": "उ",
        "ै": "े",
        "ौ": "ो",
        "ऐ": "ए",
        "औ": "ओ",
        "ण": "न",
        "श": "स",
        "ष": "स",
        "ं": "न",
        "ः": None,
        "व": "ब",
    }
)
_VIRAMA_NASAL = re.compile(r"[नमङञ]्(?=[क-ह])")


@lru_cache(maxsize=65536)
def fold_latin(word: Text) -> Text:
    """The sound key of a romanised Hindi word: `dard`, `dardd` → `dard`; `ghutna`, `ghootna` →
    `gutna`.
    """
    for pattern, replacement in _LATIN_FOLDS:
        word = pattern.sub(replacement, word)
    return word


@lru_cache(maxsize=65536)
def consonants(word: Text) -> Text:
    """The key without inner and final vowels: `dard`, `drd`, `dared` → `drd`."""
    return _VOWELS.sub("", fold_latin(word))


@lru_cache(maxsize=65536)
def fold_devanagari(word: Text) -> Text:
    """The key under which long and short vowels, sibilants and nasal signs of Devanagari meet."""
    return _VIRAMA_NASAL.sub("न", word).translate(_DEVANAGARI_FOLD)


_CONSONANTS = dict(
    zip(
        "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहळ",
        [
            "k",
            "kh",
            "g",
            "gh",
            "n",
            "ch",
            "ch",
            "j",
            "jh",
            "n",
            "t",
            "th",
            "d",
            "dh",
            "n",
            "t",
            "th",
            "d",
            "dh",
            "n",
            "p",
            "ph",
            "b",
            "bh",
            "m",
            "y",
            "r",
            "l",
            "v",
            "sh",
            "sh",
            "s",
            "h",
            "l",
        ],
        strict=True,
    )
)
_VOWEL_LETTERS = dict(
    zip("अआइईउऊऋएऐओऔ", ["a", "a", "i", "i", "u", "u", "ri", "e", "e", "o", "o"], strict=True)
)
_VOWEL_SIGNS = dict(zip("ािीुूृेैोौ", ["a", "i", "i", "u", "u", "ri", "e", "e", "o", "o"], strict=True))
_SIGNS = frozenset(_VOWEL_SIGNS)


@lru_cache(maxsize=65536)
def devanagari_to_latin(word: Text) -> Text:
    """A Devanagari word as people write it in Latin letters (`घुटने` → `ghutne`), final and weak
    `a` left out.
    """
    out: List[Text] = []
    pending = False  # a consonant whose inherent vowel has not been decided
    for position, sign in enumerate(word):
        if sign in _CONSONANTS:
            # between a syllable and a consonant that has a vowel of its own, the inherent vowel is
            # not spoken
            weak = (
                len(out) > 1
                and out[-2][-1] in "aiueo"
                and word[position + 1 : position + 2] in _SIGNS
            )
            if pending and not weak:
                out.append("a")
            out.append(_CONSONANTS[sign])
            pending = True
        elif sign in _VOWEL_SIGNS:
            out.append(_VOWEL_SIGNS[sign])
            pending = False
        elif sign in _VOWEL_LETTERS:
            out.append(("a" if pending else "") + _VOWEL_LETTERS[sign])
            pending = False
        elif sign == "्":
            pending = False
        elif sign == "ं":
            out.append("an" if pending and position + 1 < len(word) else "n")
            pending = False
        else:
            out.append(sign)
            pending = False
    return "".join(out)


def sound_of(cleaned: Text) -> Text:
    """The cleaned text as it sounds, one key for Devanagari and Latin letters: what Hindi and
    Hinglish share.
    """
    return " ".join(
        fold_latin(token if token.isascii() else devanagari_to_latin(token))
        for token in tokens(cleaned)
        if token[0].isalnum()
    )
