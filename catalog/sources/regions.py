"""Regions in which a film's title is in one language for sure."""

# ISO 3166 country -> BCP 47 tag. Countries of several languages are not here.
LANGUAGE_OF_REGION = {
    "DE": "de", "FR": "fr", "IT": "it", "ES": "es", "MX": "es-MX", "AR": "es-AR", "BR": "pt-BR", "PT": "pt-PT",
    "NL": "nl", "PL": "pl", "RU": "ru", "JP": "ja", "KR": "ko", "TR": "tr", "SE": "sv", "DK": "da", "NO": "no",
    "FI": "fi", "HU": "hu", "CZ": "cs", "GR": "el", "RO": "ro", "BG": "bg", "HR": "hr", "RS": "sr", "SI": "sl",
    "SK": "sk", "UA": "uk", "LT": "lt", "LV": "lv", "EE": "et", "IL": "he", "TW": "zh-TW", "HK": "zh-HK",
    "CN": "zh-CN", "TH": "th", "VN": "vi", "ID": "id", "IR": "fa", "IS": "is", "GE": "ka",
}  # fmt: skip
