"""What a product is: GTIN, vectors, snapshots, the resolver. No Beam, no SQL."""
