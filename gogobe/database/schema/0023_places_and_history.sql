-- Where a price is asked, and since when. docs/database.md, "Places" and "Price history".

-- A city's name in one form, whatever its quotes, hyphens, blanks and doubled letters.
CREATE FUNCTION city_key(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ltrim(replace(replace(regexp_replace(lower($1), '[^0-9a-zא-ת]', '', 'g'), 'יי', 'י'), 'וו', 'ו'), '0');

-- Cities and towns in which chains have stores. Names and numbers are those of the Israel Central Bureau of Statistics
-- (localities, 2019); points are those of GeoNames (https://www.geonames.org, CC BY 4.0), rounded to 100 m, and empty
-- where GeoNames has none under the name.
CREATE TABLE cities (
    city_code integer PRIMARY KEY,
    name      text NOT NULL,
    latitude  numeric,
    longitude numeric
);
INSERT INTO cities (city_code, name, latitude, longitude) VALUES
    (26, 'ראש פינה', 32.969, 35.542), (28, 'מזכרת בתיה', 31.854, 34.846), (31, 'אופקים', 31.314, 34.62),
    (41, 'אליכין', 32.408, 34.924), (47, 'כפר תבור', 32.688, 35.42), (53, 'עתלית', 32.689, 34.942),
    (70, 'אשדוד', 31.792, 34.65), (99, 'מצפה רמון', 30.609, 34.801), (122, 'רמת ישי', 32.701, 35.164),
    (154, 'תל מונד', 32.25, 34.917), (166, 'גן יבנה', 31.787, 34.707), (168, 'כפר יונה', 32.317, 34.935),
    (171, 'פרדסייה', 32.306, 34.909), (182, 'אבן יהודה', 32.27, 34.888), (195, 'קדימה-צורן', 32.278, 34.919),
    (206, 'רמות השבים', NULL, NULL), (229, 'גני תקווה', 32.06, 34.873), (240, 'יקנעם עילית', 32.647, 35.092),
    (246, 'נתיבות', 31.423, 34.589), (466, 'בית דגן', 32.002, 34.83), (469, 'קריית עקרון', 31.861, 34.823),
    (472, 'אבו גוש', 31.806, 35.109), (473, 'אבו סנאן', NULL, NULL), (478, 'אכסאל', NULL, NULL),
    (480, 'בית ג''ן', 32.965, 35.377), (481, 'מגאר', 32.889, 35.408), (482, 'בועיינה-נוג''ידאת', 32.81, 35.37),
    (483, 'בענה', 32.93, 35.271), (489, 'דבורייה', 32.693, 35.371), (492, 'דייר חנא', 32.862, 35.364),
    (494, 'דאלית אל-כרמל', 32.694, 35.047), (498, 'טורעאן', NULL, NULL), (499, 'יפיע', 32.689, 35.278),
    (502, 'ירכא', 32.954, 35.212), (504, 'כאבול', 32.869, 35.212), (507, 'כפר יאסיף', NULL, NULL),
    (509, 'כפר כנא', 32.747, 35.342), (510, 'כפר מנדא', 32.811, 35.261), (516, 'מג''ד אל-כרום', 32.921, 35.254),
    (520, 'משהד', NULL, NULL), (522, 'נחף', 32.933, 35.318), (529, 'אעבלין', 32.822, 35.193),
    (531, 'עראבה', NULL, NULL), (532, 'עין מאהל', 32.723, 35.353), (534, 'עספיא', 32.718, 35.065),
    (537, 'פוריידיס', 32.597, 34.953), (538, 'שעב', 32.89, 35.239), (541, 'ג''סר א-זרקא', 32.537, 34.913),
    (543, 'ראמה', 32.939, 35.366), (565, 'אזור', 32.024, 34.806), (587, 'סביון', 32.05, 34.878),
    (627, 'ג''לג''וליה', 32.155, 34.954), (628, 'ג''ת', 32.398, 35.039), (633, 'כפר ברא', 32.131, 34.971),
    (634, 'כפר קאסם', 32.114, 34.976), (637, 'ערערה', 32.496, 35.093), (638, 'קלנסווה', 32.285, 34.981),
    (654, 'כפר קרע', 32.505, 35.052), (666, 'עומר', 31.265, 34.848), (681, 'גבעת שמואל', 32.078, 34.849),
    (696, 'כפר חב"ד', 31.988, 34.852), (812, 'שלומי', 33.072, 35.145), (831, 'ירוחם', 30.988, 34.932),
    (874, 'מגדל העמק', 32.678, 35.242), (913, 'שבלי - אום אל-גנם', 32.684, 35.396), (922, 'רכסים', 32.75, 35.101),
    (944, 'בסמת טבעון', 32.739, 35.157), (998, 'ביר אל-מכסור', 32.777, 35.221), (1015, 'מבשרת ציון', 31.802, 35.151),
    (1020, 'אור עקיבא', 32.506, 34.921), (1031, 'שדרות', 31.525, 34.597), (1034, 'קריית מלאכי', 31.729, 34.746),
    (1054, 'תל שבע', 31.249, 34.86), (1059, 'כסיפה', 31.245, 35.093), (1060, 'לקיה', 31.319, 34.859),
    (1061, 'נוף הגליל', 32.708, 35.325), (1063, 'מעלות-תרשיחא', 33.017, 35.267), (1066, 'בני עי"ש', 31.79, 34.759),
    (1113, 'צור הדסה', 31.719, 35.097), (1137, 'קריית יערים', 31.803, 35.102), (1139, 'כרמיאל', 32.91, 35.298),
    (1161, 'רהט', 31.395, 34.757), (1167, 'קיסריה', 32.519, 34.905), (1192, 'ערערה-בנגב', 31.16, 35.023),
    (1200, 'מודיעין-מכבים-רעות', 31.894, 35.015), (1224, 'כוכב יאיר', 32.226, 35.002),
    (1247, 'חריש', 32.461, 35.044), (1263, 'כפר ורדים', 32.994, 35.278), (1268, 'מיתר', 31.327, 34.939),
    (1271, 'להבים', 31.373, 34.816), (1290, 'זמר', 32.367, 35.033), (1292, 'ג''דיידה-מכר', 32.928, 35.157),
    (1303, 'חורה', 31.301, 34.936), (1304, 'שוהם', 31.999, 34.946), (1309, 'אלעד', 32.05, 34.954),
    (1319, 'בת חפר', 32.333, 35.013), (1327, 'מעלה עירון', 32.554, 35.184), (1345, 'צור יצחק', 32.24, 34.998),
    (2034, 'חצור הגלילית', 32.982, 35.545), (2100, 'טירת כרמל', 32.76, 34.969), (2200, 'דימונה', 31.071, 35.033),
    (2300, 'קריית טבעון', 32.712, 35.125), (2400, 'אור יהודה', 32.029, 34.858), (2500, 'נשר', 32.766, 35.044),
    (2530, 'באר יעקב', 31.939, 34.837), (2550, 'גדרה', 31.815, 34.78), (2560, 'ערד', 31.259, 35.213),
    (2600, 'אילת', 29.558, 34.948), (2610, 'בית שמש', 31.731, 34.993), (2620, 'קריית אונו', 32.061, 34.856),
    (2630, 'קריית גת', 31.61, 34.764), (2640, 'ראש העין', 32.096, 34.957), (2650, 'רמת השרון', 32.146, 34.839),
    (2660, 'יבנה', 31.878, 34.74), (2710, 'אום אל-פחם', NULL, NULL), (2720, 'טירה', 32.234, 34.95),
    (2730, 'טייבה', NULL, NULL), (2800, 'קריית שמונה', 33.212, 35.57), (3000, 'ירושלים', 31.769, 35.216),
    (3560, 'אלקנה', 32.11, 35.032), (3570, 'אריאל', 32.106, 35.184), (3611, 'קריית ארבע', NULL, NULL),
    (3616, 'מעלה אדומים', 31.777, 35.299), (3640, 'קרני שומרון', 32.171, 35.098), (3650, 'אפרת', 31.653, 35.15),
    (3720, 'שערי תקווה', NULL, NULL), (3730, 'גבעת זאב', 31.861, 35.169), (3750, 'אלפי מנשה', 32.173, 35.012),
    (3760, 'אורנית', 32.132, 34.991), (3780, 'ביתר עילית', 31.7, 35.117), (3797, 'מודיעין עילית', 31.932, 35.044),
    (4000, 'חיפה', 32.813, 34.999), (4100, 'קצרין', 32.992, 35.691), (4201, 'מג''דל שמס', 33.27, 35.772),
    (5000, 'תל אביב - יפו', 32.081, 34.781), (6000, 'באקה אל-גרבייה', 32.418, 35.043),
    (6100, 'בני ברק', 32.081, 34.834), (6200, 'בת ים', 32.024, 34.752), (6300, 'גבעתיים', 32.072, 34.813),
    (6400, 'הרצליה', 32.166, 34.825), (6500, 'חדרה', 32.442, 34.904), (6600, 'חולון', 32.01, 34.779),
    (6700, 'טבריה', 32.794, 35.532), (6800, 'קריית אתא', 32.811, 35.113), (6900, 'כפר סבא', 32.175, 34.907),
    (7000, 'לוד', 31.947, 34.89), (7100, 'אשקלון', 31.669, 34.571), (7200, 'נס ציונה', 31.929, 34.799),
    (7300, 'נצרת', 32.701, 35.297), (7400, 'נתניה', 32.333, 34.86), (7500, 'סח''נין', 32.865, 35.298),
    (7600, 'עכו', 32.928, 35.076), (7700, 'עפולה', 32.609, 35.289), (7800, 'פרדס חנה-כרכור', 32.474, 34.978),
    (7900, 'פתח תקווה', 32.087, 34.887), (8000, 'צפת', 32.965, 35.496), (8200, 'קריית מוצקין', 32.837, 35.078),
    (8300, 'ראשון לציון', 31.971, 34.789), (8400, 'רחובות', 31.894, 34.812), (8500, 'רמלה', 31.926, 34.864),
    (8600, 'רמת גן', 32.082, 34.811), (8700, 'רעננה', 32.184, 34.874), (8800, 'שפרעם', 32.806, 35.169),
    (8900, 'טמרה', 32.853, 35.199), (9000, 'באר שבע', 31.252, 34.791), (9100, 'נהרייה', 33.009, 35.098),
    (9200, 'בית שאן', 32.497, 35.496), (9300, 'זכרון יעקב', 32.569, 34.954), (9400, 'יהוד-מונוסון', 32.033, 34.891),
    (9500, 'קריית ביאליק', 32.828, 35.086), (9600, 'קריית ים', 32.85, 35.07), (9700, 'הוד השרון', 32.159, 34.893),
    (9800, 'בנימינה-גבעת עדה', 32.518, 34.954);

-- What stores write for a city, by its key: its number, its name, and other names of it or of its parts.
CREATE TABLE city_names (
    name_key  text PRIMARY KEY,
    city_code integer NOT NULL REFERENCES cities
);
CREATE INDEX city_names_by_city ON city_names (city_code);
INSERT INTO city_names (name_key, city_code)
SELECT city_code::text, city_code FROM cities UNION SELECT city_key(name), city_code FROM cities;
INSERT INTO city_names (name_key, city_code)
SELECT city_key(name), city_code FROM (VALUES
    (5000, 'תל אביב'), (5000, 'תא'), (5000, 'רמת אביב'), (1200, 'מודיעין'), (1200, 'מכבים'), (1200, 'רעות'),
    (9400, 'יהוד'), (9400, 'מונוסון'), (9800, 'בנימינה'), (9800, 'גבעת עדה'), (1063, 'מעלות'), (1063, 'תרשיחא'),
    (7500, 'סכנין'), (1061, 'נצרת עילית'), (1061, 'נצרת עלית'), (1061, 'נצרת עילית נוף הגליל'), (240, 'יקנעם'),
    (240, 'יוקנעם'), (240, 'יוקנעם עילית'), (2300, 'טבעון'), (6000, 'באקה אל גרביה'), (494, 'דלית אל כרמל'),
    (195, 'קדימה'), (195, 'צורן'), (7800, 'פרדס חנה'), (7800, 'כרכור'), (8300, 'ראשלצ'), (3797, 'קריית ספר'),
    (4000, 'קריית חיים'), (6500, 'גבעת אולגה'), (2100, 'טירת הכרמל'), (492, 'דיר חנא'), (3780, 'ביתר'),
    (9300, 'זכרון'), (1224, 'צור יגאל'), (1224, 'כוכב יאיר צור יגאל'), (638, 'קלנסואה'), (634, 'כפר קסם'),
    (9000, 'בש'), (7900, 'פת')
) AS other (city_code, name)
ON CONFLICT DO NOTHING;

CREATE INDEX stores_by_city ON stores USING hash (city_key(city));
CREATE INDEX masters_by_effective ON masters (coalesce(merged_into, master_id));

-- A store with its city in one spelling; of a city that `cities` has not, as published. The point is the store's own if
-- it is published (`is_exact`), else the city's.
CREATE VIEW store_places AS
SELECT s.store_key, s.chain_id, s.sub_chain_id, s.store_id, s.name, s.address, coalesce(c.name, s.city) AS city,
       c.city_code,
       CASE WHEN own.is_exact THEN s.latitude ELSE c.latitude END AS latitude,
       CASE WHEN own.is_exact THEN s.longitude ELSE c.longitude END AS longitude,
       own.is_exact
FROM stores s
LEFT JOIN city_names n ON n.name_key = city_key(s.city)
LEFT JOIN cities c ON c.city_code = n.city_code
CROSS JOIN LATERAL (
    SELECT s.latitude IS NOT NULL AND s.longitude IS NOT NULL AND (s.latitude, s.longitude) <> (0, 0) AS is_exact
) own;

-- Every price that is asked now, with its master and its store's place. Ask by master_id, by store_key, or by item_code
-- and chain_id.
CREATE VIEW current_prices AS
SELECT coalesce(m.merged_into, m.master_id) AS master_id, s.chain_id, ch.name AS chain, p.store_key, p.item_code,
       a.name AS item_name, p.price, p.unit_price, p.price_per_unit, p.unit_basis,
       greatest(p.published_at, s.prices_full_at) AS last_seen_at,
       greatest(p.published_at, s.prices_full_at) < now() - price_max_age() AS is_old,
       place.name AS store, place.address, place.city, place.city_code, place.latitude, place.longitude
FROM masters m
JOIN master_aliases a ON a.master_id = m.master_id
JOIN stores s ON s.chain_id = a.chain_id
JOIN chains ch ON ch.chain_id = s.chain_id
JOIN prices p ON p.store_key = s.store_key AND p.item_code = a.item_code
JOIN store_places place ON place.store_key = s.store_key
WHERE p.ended_at IS NULL AND NOT a.is_service;

-- The prices that an item had in a store: `since` when, until the next one or `ended_at`. The first is the oldest price
-- that is kept; it was first seen then.
CREATE VIEW price_history AS
SELECT p.store_key, p.item_code, point.since, point.is_first, point.price, p.ended_at
FROM prices p
CROSS JOIN LATERAL (
    SELECT p.first_seen_at AS since, true AS is_first,
           coalesce((SELECT h.old_price FROM price_changes h
                     WHERE h.store_key = p.store_key AND h.item_code = p.item_code
                     ORDER BY h.changed_at LIMIT 1), p.price) AS price
    UNION ALL
    SELECT h.changed_at, false, h.new_price FROM price_changes h
    WHERE h.store_key = p.store_key AND h.item_code = p.item_code
) point;
