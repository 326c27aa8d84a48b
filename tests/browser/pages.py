"""The pages every general test visits. A new page is one line here."""

PAGES = [
    "/",
    "/contacts/",
    "/contacts/?f=stage:mql,sql;score:35..;(rank:head,manager|company.numberofemployees:300..)",
    "{story}",
    "{company}",
    "/notifications/",
    "/scoring/",
    "/workflows/",
    "/emails/",
    "/nothing-here/",
]
FRONT = ["/login/", "/login/reset/", "/login/reset/sent/"]  # signed out
STORY = "서지우"  # the contact with a full record
