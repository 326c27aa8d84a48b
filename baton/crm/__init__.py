"""The record of people and business: contacts, companies, deals, tickets, their properties and links."""
