"""Django's own commands, for development: `python manage.py makemigrations`."""

import sys

from baton.platform import setup

if __name__ == "__main__":
    setup.django("manage")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
