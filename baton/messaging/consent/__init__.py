"""What people agreed to and refused: kinds of news, the preference centre, suppression, and the notices the law asks for."""
