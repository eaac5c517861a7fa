-- Masters are found by an inverted index that only rewrites what changed: gogobe/database/search_index.py keeps it with
-- the refresh of the views, gogobe/database/search.py reads it. The words and weights: gogobe/masters/search.
DROP MATERIALIZED VIEW master_search;

-- Masters that are sold now. `popularity` and `digest` (of all that chains call it) say what its words were made from.
CREATE TABLE master_search (
    master_id  bigint PRIMARY KEY,
    chains     integer NOT NULL,
    stores     integer NOT NULL,
    popularity integer NOT NULL,
    digest     bigint NOT NULL
);
CREATE INDEX master_search_by_chains ON master_search (chains DESC, stores DESC, master_id);

-- A word of a master's names, in normal form, and how much it says of the master.
CREATE TABLE search_words (
    master_id bigint NOT NULL,
    word      text NOT NULL,
    weight    real NOT NULL,
    PRIMARY KEY (master_id, word) INCLUDE (weight)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX search_words_by_weight ON search_words (word, weight DESC, master_id);

-- Every word of search_words: the form that its inflections share, its sound, and how many masters have it.
CREATE TABLE search_vocabulary (
    word    text PRIMARY KEY,
    lemma   text NOT NULL,
    sound   text NOT NULL,
    masters integer NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX search_vocabulary_by_lemma ON search_vocabulary (lemma);
CREATE INDEX search_vocabulary_by_sound ON search_vocabulary (sound) WHERE sound <> '';
CREATE INDEX search_vocabulary_by_prefix ON search_vocabulary (word text_pattern_ops);
CREATE INDEX search_vocabulary_by_trigrams ON search_vocabulary USING gin (search_text(word) gin_trgm_ops)
    WITH (fastupdate = off);
