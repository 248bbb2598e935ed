import random

import pytest

from pipeline.text.paragraphs import is_fragment, split

WRAPPED = """The council met on Monday and spoke for two hours about the
bridge over the river, which has been shut since the spring
floods carried away one of its piers.
Nobody voted.
The next meeting is in June, when the engineers will have told
the members what a new pier costs and how long it takes."""


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t\r\n ", []),
        ("One.", ["One."]),
        ("  One.  \n\n\n  Two.\n", ["One.", "Two."]),
        ("One.\r\n\r\nTwo.", ["One.", "Two."]),
        ("One.\r\rTwo.", ["One.", "Two."]),
        ("One.\n \t\nTwo.", ["One.", "Two."]),
        ("One.\u2029Two.", ["One.", "Two."]),
        ("One.\fTwo.", ["One.", "Two."]),
        (
            "First paragraph ends.\nSecond paragraph ends.\nThird one.",
            ["First paragraph ends.", "Second paragraph ends.", "Third one."],
        ),
        ("One.\u00a0\n\n\u3000Two.", ["One.", "Two."]),
        ("One\u2060.\n\u200b\nTwo.\ufeff\n \u00ad\n", ["One\u2060.", "Two.\ufeff"]),
        ("\u200b\n\n\u200f\u200e\n\x07\n\u3164\n\ufe0f", []),
    ],
)
def test_blank_lines_and_single_newlines(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_a_hard_wrapped_block_is_joined_and_parted_after_a_short_line() -> None:
    found = pieces(WRAPPED)
    assert len(found) in (2, 3)
    assert found[0].startswith("The council met")
    assert "spring\nfloods carried away" in found[0]
    assert found[-1].startswith("The next meeting")
    assert found[-1].endswith("takes.")


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\x85", "\u2028"])
def test_any_newline_wraps(newline: str) -> None:
    text = WRAPPED.replace("\n", newline)
    assert [len(piece) for piece in pieces(text)] == [
        len(piece.replace("\n", newline)) for piece in pieces(WRAPPED)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Սակրավորները մաքրել են գետի ափը։\nՆախարարությունը հաստատել է լուրը։\nԹանգարանը բացել է սրահ։",
        "工兵清除了河岸的地雷。\n谁清除了地雷？\n博物馆开设了新展厅！",
        "「私たちは戻りたい。」\n大臣は火曜日にそう述べた。\n新しい博物館が開いた｡",
        "सैपरों ने नदी का किनारा साफ किया।\nमंत्रालय ने खबर की पुष्टि की॥\nसंग्रहालय ने नया हॉल खोला।",
        "سیپرز نے دریا کا کنارہ صاف کیا۔\nوزارت نے خبر کی تصدیق کی؟\nمیوزیم نے نیا ہال کھولا۔",
        "أعلنت الوزارة الخبر.\u200f\nفتح المتحف قاعة جديدة؟\u200f\nعاد السكان.\u200f",
        "ፈንጂ አነፍናፊዎች የወንዙን ዳርቻ አጸዱ።\nማን አጸዳ፧\nሙዚየሙ አዲስ አዳራሽ ከፈተ።",
        "អ្នកដោះមីនបានសម្អាតច្រាំងទន្លេ។\nក្រសួងបានបញ្ជាក់ព័ត៌មាន៕\nសារមន្ទីរបានបើកសាលថ្មី។",
        "မိုင်းရှင်းသူများက ရှင်းလင်းခဲ့သည်။\nဝန်ကြီးဌာနက အတည်ပြုခဲ့သည်။\nခန်းမသစ် ဖွင့်ခဲ့သည်။",
        "ལྷན་ཁང་གིས་ངོས་འཛིན་བྱས།\nའགྲེམས་སྟོན་ཁང་གསར་པ་ཕྱེ།\nགཙང་མ་བཟོས།",
        "Ποιος καθάρισε τα ναρκοπέδια\u037e\nΠότε επέστρεψαν;\nΤο μουσείο άνοιξε.",
        "მენაღმეებმა გაწმინდეს ნაპირი.\nსამინისტრომ დაადასტურა ცნობა.",
        "«Los zapadores limpiaron la ribera.»\n“El ministerio lo confirmó.”\n¿Quién lo sabía?",
    ],
)
def test_a_sentence_ends_by_the_signs_of_its_script(text: str) -> None:
    assert pieces(text) == text.split("\n")


LINE = "The ministry said that its sappers had cleared forty hectares of mined"
PARAGRAPH = f"{LINE}\nland near the river, and that families could return to two villages\nbefore summer."


@pytest.mark.parametrize(
    "items",
    [
        ["- Sappers clear the river bank", "- Hackers hit a hospital", "- Peace talks resume in the capital"],
        ["1. Sappers clear the river bank", "2. Hackers hit a hospital", "3. Peace talks resume in the capital"],
        ["The plan has two parts", "a) Clear the bank", "b) Build a bridge"],
        ["- Sappers clear", "  - the river bank", "  - the old road", "- Hackers hit a hospital"],
        [f"- {LINE}\n  land near the river. The land is\n  free.", "- Hackers hit a hospital"],
        [f"1. {LINE}\nland.", f"2. {LINE}\nvillages.", "3. Hackers hit a hospital"],
        ["Q: Have the sappers begun", "A: They have, near the river", "Q: And the hackers", "A: We look for them"],
        [f"Q: {LINE}\nland?", "A: They have.", f"Q: {LINE}\nvillages?"],
        ["Sappers clear river bank", PARAGRAPH],
        ["SAPPERS CLEAR FORTY HECTARES OF MINED LAND NEAR THE RIVER AND A ROAD", PARAGRAPH],
        ["Sappers clear river bank", "By Ann Smith", PARAGRAPH],
        ["# Sappers clear forty hectares of mined land near the river and a road", PARAGRAPH],
        [PARAGRAPH, "FAMILIES COME HOME TO THE TWO VILLAGES BY THE RIVER AND TO A ROAD", PARAGRAPH],
        ["    One line is indented.", f"    {PARAGRAPH}", f"    {PARAGRAPH}"],
        [f"    {LINE} land.", f"    {PARAGRAPH}"],
        [f"{LINE}\n{LINE}.", "FAMILIES COME HOME", f"{LINE}\nland."],
        ["- Hackers hit a hospital", f"{LINE}\nland near the river and two villages", f"   {LINE}\nland."],
        ["\u5de5" * 60, "\u5175" * 60],
        ["\u5de5" * 25, "\u5175" * 33 + "\n" + "\u5730" * 30],
        ["Families come home", "家に帰る家族たちは川のそばの村で暮らし、博物館も新しい展示室を開いた。"],
    ],
)
def test_items_headlines_and_indented_lines_start_a_paragraph(items: list[str]) -> None:
    assert pieces("\n".join(items)) == [item.strip() for item in items]


@pytest.mark.parametrize(
    "text",
    [
        PARAGRAPH,
        "The council will meet again to speak about the bridge on Friday, May\n5. The engineers will know.",
        "The minister, who had been at the river since the early morning hours\n– and had not slept – went on.",
        "The spokesman of the northern brigade told the reporters of the agency\nReuters: they go on.",
        "The book about the clearance of the bank was written by the late Doctor\nJ. Smith and printed last year.",
        "The two foreign ministers resumed the talks on Monday in the city of\nBaku and agreed on the treaty.",
        "The ministry said\nsappers had cleared forty hectares of mined land near the river this spring.",
        "Plans were made for the land by the river and for two of the villages;\nnobody has agreed so far.",
        f"{LINE}\nhttps://ministry.example/{'x' * 120}\nland near the river.",
        LINE.upper() + "\nLAND NEAR THE RIVER.",
        "قالت الوزارة إن خبراء الألغام طهروا أربعين هكتارا من الأراضي قرب\nالنهر هذا الربيع وإن العائلات تعود",
        "外交部周二表示，工兵今年春天清除了河边四十公顷土地上的地雷，两个村\n庄的家庭可以返回家园。",
    ],
)
def test_wrapped_lines_that_look_like_items_or_headlines_go_on(text: str) -> None:
    assert pieces(text) == [text]


def test_an_indented_line_starts_a_paragraph_in_a_wrapped_block() -> None:
    text = "The first paragraph goes on over\nthe line and then over another\none and ends.\n"
    text += "   The second one is indented and\ngoes on as well."
    assert [piece.split()[1] for piece in pieces(text)] == ["first", "second"]


def test_long_lines_are_a_paragraph_each_even_without_a_full_stop() -> None:
    line = "word " * 40
    assert len(pieces(f"{line}\n{line}\n{line}")) == 3


def test_offsets_are_exact_ordered_and_lose_no_character() -> None:
    chance = random.Random(11)
    alphabet = [
        "word",
        "Two.",
        " ",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "\u00a0",
        "\u2028",
        "\U0001f600",
        "e\u0301",
        "\x85",
        "?",
        "- ",
        "1. ",
        "A: ",
        "\r",
    ]
    for _ in range(300):
        text = "".join(chance.choices(alphabet, k=chance.randrange(60)))
        spans = split(text)
        end = 0
        for start, stop in spans:
            assert end <= start < stop <= len(text)
            assert text[start:stop] == text[start:stop].strip()
            assert not text[end:start].strip()
            end = stop
        assert not text[end:].strip()


def test_time_grows_with_the_text_not_with_its_square() -> None:
    assert len(split("x\n\n" * 100_000)) == 100_000
    assert split("\n" * 500_000) == []
    assert len(split(" " * 500_000 + "x" + "\t" * 500_000)) == 1


def test_a_fragment_has_fewer_than_twelve_words() -> None:
    assert is_fragment("BAKU, Azerbaijan, January 22")
    assert is_fragment("one two three four five six seven eight nine ten eleven")
    assert not is_fragment("one two three four five six seven eight nine ten eleven twelve")
    assert is_fragment("")
