"""How well the band of `unusual` tells faults from usual values, beside two plain ways, on series with known truth."""
