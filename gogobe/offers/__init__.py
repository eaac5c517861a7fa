"""What a shopper pays: promotions and units of measure turned into prices that compare. No SQL, no Beam.

Public: `offer.offers_of` (a promotion's terms for its items), `conditions.conditions_of` (what else must hold),
`units.unit_price_of` (the price of one kg, litre, metre or piece), `fill` (all of it, for the rows of a block).
"""
