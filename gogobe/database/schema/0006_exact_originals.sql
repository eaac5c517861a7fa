-- A message that is no UTF-8 cannot be kept as text: here it is byte for byte.
ALTER TABLE dead_letters ADD COLUMN original_base64 text;
