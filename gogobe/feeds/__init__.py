"""What a feed is: names, containers, encodings, rows. No Beam, no network."""
