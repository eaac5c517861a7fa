"""Comparable prices: the offer of a promotion for each item, and unit prices on one basis. No SQL, no Beam.

Public: `offer.offers_of` (the offers of a promotion's items), `conditions.conditions_of` (their conditions),
`units.unit_price_of` (the price of one kg, litre, metre or piece), `fill` (all of these for a block of rows).
"""
