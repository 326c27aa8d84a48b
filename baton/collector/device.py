"""What somebody holds in his hands: desktop, phone or tablet, from the name of his browser."""

from functools import lru_cache

from ua_parser import parse

TABLETS = ("ipad", "tablet", "kindle", "galaxy tab", "nexus 7", "nexus 9", "nexus 10", "xoom", "mediapad", "playbook", "touchpad", "surface rt")
PHONES = ("ios", "windows phone", "windows mobile", "blackberry os", "symbian os", "firefox os", "bada", "maemo", "meego", "kaios", "harmonyos", "tizen")
DESKTOPS = ("windows", "mac os x", "mac os", "linux", "ubuntu", "debian", "fedora", "chrome os", "freebsd", "openbsd", "netbsd", "solaris")
OTHERS = ("tv", "roku", "chromecast", "playstation", "xbox", "nintendo", "appletv")


@lru_cache(4096)
def device(user_agent: str) -> str:
    """`desktop`, `phone`, `tablet`, or "" for a television, a console, a program, or what is not known."""
    if not user_agent:
        return ""
    found = parse(user_agent)
    system = found.os.family.lower() if found.os else ""
    brand, family, model = (found.device.brand or "", found.device.family or "", found.device.model or "") if found.device else ("", "", "")
    name = f"{brand} {family} {model}".lower()
    if brand == "Spider" or any(word in name or word in system for word in OTHERS):
        return ""
    text = user_agent.lower()
    if any(word in name for word in TABLETS) or "tablet" in text or "ipad" in text:
        return "tablet"
    if system == "android":
        return "phone" if "mobile" in text else "tablet"  # what makers of both agreed on
    if system in PHONES or any(word in name or word in text for word in ("phone", "ipod", "windows ce")):
        return "phone"
    if system in DESKTOPS and brand in ("", "Apple"):
        return "desktop"
    return "phone" if "mobile" in text or (brand and "watch" not in name and system not in DESKTOPS) else ""
