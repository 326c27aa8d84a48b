"""Takes hits from browsers and mails, without Django, and answers when they are stored."""
