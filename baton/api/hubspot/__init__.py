"""HubSpot's public API, spoken by Baton; HubSpot's words stay in this folder."""
