"""Choices a patient words: whom, what about, which language, or any."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.nlu.details import details

CHOICES = [
    ("lady physio", "gender=female"),
    ("next available with a lady physio", "gender=female"),
    ("female doctor chahiye", "gender=female"),
    ("mahila doctor ke saath", "gender=female"),
    ("ladies", "gender=female"),
    ("महिला फिज़ियो", "gender=female"),
    ("लेडी डॉक्टर हो तो अच्छा", "gender=female"),
    ("gents doctor", "gender=male"),
    ("purush physio", "gender=male"),
    ("पुरुष डॉक्टर", "gender=male"),
    ("male therapist milega? papa ke liye", "gender=male"),
    ("sir wale doctor, mam nahi", "gender=male"),
    ("female therapist if possible", "gender=female"),
    ("lady doctor nahi", ""),
    ("not a male physio", ""),
    ("I am female, 34 years", ""),
    ("mam kal ka slot hai?", ""),
    ("thank you sir", ""),
    ("male female koi bhi", "indifferent=True"),
    ("knee", "category=knee_hip"),
    ("ghutne wala package", "category=knee_hip"),
    ("घुटना", "category=knee_hip"),
    ("hip", "category=knee_hip"),
    ("back", "category=back_neck"),
    ("back/neck", "category=back_neck"),
    ("kamar", "category=back_neck"),
    ("पीठ", "category=back_neck"),
    ("gardan", "category=back_neck"),
    ("kandha", "category=shoulder_arm"),
    ("shoulder & arm", "category=shoulder_arm"),
    ("sports category", "category=sports"),
    ("खेल वाला", "category=sports"),
    ("post surgery", "category=post_surgery"),
    ("post-surgery category", "category=post_surgery"),
    ("operation ke baad wala", "category=post_surgery"),
    ("ऑपरेशन के बाद वाली कैटेगरी", "category=post_surgery"),
    ("neuro", "category=neuro"),
    ("न्यूरो वाली", "category=neuro"),
    ("stroke rehab category", "category=neuro"),
    ("other", "category=other"),
    ("kuch aur", "category=other"),
    ("inme se koi nahi", "category=other"),
    ("कुछ और", "category=other"),
    ("other category", "category=other"),
    ("any other day", ""),
    ("other slot", ""),
    ("kuch aur time dikhao", ""),
    ("go back", ""),
    ("call me back", ""),
    ("back jana hai", ""),
    ("i am back in town", ""),
    ("parking is a pain in the neck", ""),
    ("bacche ka sports day hai", ""),
    ("Hindi mein", "language_choice=hi"),
    ("hindi", "language_choice=hi"),
    ("English please", "language_choice=en"),
    ("switch to english", "language_choice=en"),
    ("हिंदी में", "language_choice=hi"),
    ("इंग्लिश", "language_choice=en"),
    ("hinglish", "language_choice=hinglish"),
    ("can you write hindi in english letters", "language_choice=hinglish"),
    ("I don't understand hindi, pls type in english", "language_choice=en"),
    ("why is it coming in hindi, I want english", "language_choice=en"),
    ("english nahi aati mujhe", ""),
    ("hindi bolne wale doctor", ""),
    ("i can't read hindi", ""),
    ("why are you replying in hindi", ""),
    ("please don't reply in hindi", ""),
    ("hindi me mat likho", ""),
    ("हिंदी में मत लिखो", ""),
    ("not in english, in hindi", "language_choice=hi"),
    ("english instead of hindi please", "language_choice=en"),
    ("हिंदी में नहीं, अंग्रेजी में बताइए", "language_choice=en"),
    ("son goes to an english medium school", ""),
    ("any", "indifferent=True"),
    ("any time works", "indifferent=True"),
    ("any doctor", "indifferent=True"),
    ("anyone is fine", "indifferent=True"),
    ("koi bhi", "indifferent=True"),
    ("jo bhi khali ho", "indifferent=True"),
    ("कोई भी डॉक्टर", "indifferent=True"),
    ("no preference", "indifferent=True"),
    ("any slot today?", ""),
    ("is anyone there", ""),
    ("is there any parking", ""),
    ("lady physio for knee, any time", "gender=female category=knee_hip indifferent=True"),
]


@pytest.mark.parametrize(("text", "means"), CHOICES)
def test_a_choice_in_the_patients_words(text, means):
    assert " ".join(f"{one.entity}={one.value}" for one in details(text)) == means


def test_the_place_of_a_choice_is_that_of_its_words():
    text = "Mujhe LADY physio, ghutne ke liye"
    assert [text[one.start : one.end] for one in details(text)] == ["LADY", "ghutne"]


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_without_a_stumble(text):
    for one in details(text):
        assert 0 <= one.start < one.end <= len(text)
