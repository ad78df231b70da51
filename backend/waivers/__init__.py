"""Waivers: made, listed and ended by people; noted as ended when time or a change ends them."""
