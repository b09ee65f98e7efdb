"""Countries by their names in English, as film databases write them."""

from catalog.names.matching import name_key

_NAMES = """
AD Andorra; AE United Arab Emirates; AF Afghanistan; AG Antigua and Barbuda; AI Anguilla; AL Albania; AM Armenia;
AN Netherlands Antilles; AO Angola; AQ Antarctica; AR Argentina; AS American Samoa; AT Austria; AU Australia;
AW Aruba; AX Aland Islands; AZ Azerbaijan; BA Bosnia and Herzegovina; BB Barbados; BD Bangladesh; BE Belgium;
BF Burkina Faso; BG Bulgaria; BH Bahrain; BI Burundi; BJ Benin; BM Bermuda; BN Brunei Darussalam/Brunei; BO Bolivia;
BR Brazil; BS Bahamas; BT Bhutan; BU Burma; BW Botswana; BY Belarus; BZ Belize; CA Canada;
CD Democratic Republic of the Congo/Democratic Republic of Congo; CF Central African Republic; CG Congo;
CH Switzerland; CI Cote D'Ivoire/Ivory Coast; CK Cook Islands; CL Chile; CM Cameroon; CN China; CO Colombia;
CR Costa Rica; CS Serbia and Montenegro; CU Cuba; CV Cape Verde; CY Cyprus; CZ Czech Republic/Czechia;
DE Germany/West Germany; DJ Djibouti; DK Denmark; DM Dominica; DO Dominican Republic; DZ Algeria; EC Ecuador;
EE Estonia; EG Egypt; EH Western Sahara; ER Eritrea; ES Spain; ET Ethiopia; FI Finland; FJ Fiji;
FO Faeroe Islands/Faroe Islands; FR France; GA Gabon; GB United Kingdom/UK/Great Britain; GD Grenada; GE Georgia;
GF French Guiana; GH Ghana; GI Gibraltar; GL Greenland; GM Gambia; GN Guinea; GP Guadaloupe/Guadeloupe;
GQ Equatorial Guinea; GR Greece; GT Guatemala; GU Guam; GW Guinea-Bissau; GY Guyana; HK Hong Kong; HN Honduras;
HR Croatia; HT Haiti; HU Hungary; ID Indonesia; IE Ireland; IL Israel; IN India; IQ Iraq;
IR Iran; IS Iceland; IT Italy; JM Jamaica; JO Jordan; JP Japan; KE Kenya;
KG Kyrgyz Republic/Kyrgyzstan; KH Cambodia; KM Comoros; KN St. Kitts and Nevis; KP North Korea;
KR South Korea/Republic of Korea; KW Kuwait; KZ Kazakhstan; LA Lao People's Democratic Republic/Laos; LB Lebanon;
LC St. Lucia; LI Liechtenstein; LK Sri Lanka; LR Liberia; LS Lesotho; LT Lithuania; LU Luxembourg; LV Latvia;
LY Libyan Arab Jamahiriya/Libya; MA Morocco; MC Monaco; MD Moldova; ME Montenegro; MG Madagascar;
MH Marshall Islands; MK Macedonia/North Macedonia; ML Mali; MM Myanmar; MN Mongolia; MO Macao/Macau; MQ Martinique;
MR Mauritania; MT Malta; MU Mauritius; MV Maldives; MW Malawi; MX Mexico; MY Malaysia; MZ Mozambique; NA Namibia;
NC New Caledonia; NE Niger; NG Nigeria; NI Nicaragua; NL Netherlands/The Netherlands; NO Norway; NP Nepal;
NZ New Zealand; OM Oman; PA Panama; PE Peru; PF French Polynesia; PG Papua New Guinea; PH Philippines; PK Pakistan;
PL Poland; PR Puerto Rico; PS Palestinian Territory/Palestine; PT Portugal; PY Paraguay; QA Qatar; RE Reunion;
RO Romania; RS Serbia; RU Russia/Russian Federation; RW Rwanda; SA Saudi Arabia; SB Solomon Islands; SC Seychelles;
SD Sudan; SE Sweden; SG Singapore; SI Slovenia; SK Slovakia; SL Sierra Leone; SM San Marino; SN Senegal; SO Somalia;
SR Suriname; SS South Sudan; SU Soviet Union; SV El Salvador; SY Syrian Arab Republic/Syria; SZ Swaziland/Eswatini;
TD Chad; TG Togo; TH Thailand; TJ Tajikistan; TL Timor-Leste; TM Turkmenistan; TN Tunisia; TO Tonga;
TR Turkey/Turkiye; TT Trinidad and Tobago; TW Taiwan; TZ Tanzania; UA Ukraine; UG Uganda;
US United States of America/United States/USA; UY Uruguay; UZ Uzbekistan; VA Holy See/Vatican City;
VC St. Vincent and the Grenadines; VE Venezuela; VN Vietnam; VU Vanuatu; WS Samoa; XC Czechoslovakia;
XG East Germany; XK Kosovo; YE Yemen; YU Yugoslavia; ZA South Africa; ZM Zambia; ZR Zaire; ZW Zimbabwe
"""
_CODE_OF_NAME = {
    name_key(name): code
    for code, names in (entry.split(maxsplit=1) for entry in _NAMES.split(";"))
    for name in names.split("/")
}


def country_code(name: str) -> str | None:
    """Return the code of ISO 3166 of a country or a former one; None for a name that is not known."""
    return _CODE_OF_NAME.get(name_key(name))
