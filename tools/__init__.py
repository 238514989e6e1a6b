"""Small checkers that ``make check`` runs."""
