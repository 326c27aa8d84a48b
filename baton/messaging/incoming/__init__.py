"""What comes back: bounces, complaints, answers, calls of providers, read into one vocabulary of receipts."""
