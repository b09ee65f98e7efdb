"""Countries by their codes of ISO 3166."""

# ISO 3166-1 as of 2024, and XK (Kosovo), which sites and film databases use.
_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD
CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF
GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI
SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
VN VU WF WS XK YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_CODES.split())
# States that are no more, of which films are: ISO 3166-3 and what TMDB writes for Czechoslovakia and East Germany.
FORMER_COUNTRIES = frozenset(["AN", "BU", "CS", "DD", "FX", "NT", "SU", "TP", "XC", "XG", "XI", "YD", "YU", "ZR"])
_MISTAKEN = {"UK": "GB", "EN": "GB", "SP": "ES", "JA": "JP"}


def find_country(text: str, *, former: bool = False) -> str | None:
    """Return the code in capital letters; None where the text is no code. `former`: of a state that is no more too."""
    code = text.strip().upper()
    return code if code in COUNTRIES or (former and code in FORMER_COUNTRIES) else None


def country_problem(text: str) -> str:
    """Say what is wrong with a text that is no country."""
    hint = _MISTAKEN.get(text.strip().upper())
    return "is no country of ISO 3166, as in US or DE" + (f": did you mean {hint}?" if hint else ".")
