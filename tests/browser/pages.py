"""The pages every general test visits. A new page is one line here."""

PAGES = [
    "/",
    "/contacts/",
    "/contacts/?f=stage:mql,sql;score:35..;(rank:head,manager|company.numberofemployees:300..)",
    "/contacts/?columns=email,mobilephone,city,created_at,consent&f=!(stage:mql|(city:부산;rank:head));created_at:last365d",
    "/contacts/?f=(stage:mql",
    "/companies/",
    "/deals/",
    "/tickets/",
    "/objects/products/",
    "{story}",
    "{company}",
    "/duplicates/",
    "/notifications/",
    "/scoring/",
    "/workflows/",
    "/emails/",
    "/settings/",
    "/settings/me/",
    "/settings/account/",
    "/nothing-here/",
]
ADMIN = ["/settings/users/", "/settings/teams/", "/settings/roles/", "/settings/roles/sales/", "/settings/tokens/", "/settings/tokens/new/"]
FRONT = ["/login/", "/login/reset/", "/login/reset/sent/"]  # signed out
STORY = "서지우"  # the contact with a full record
