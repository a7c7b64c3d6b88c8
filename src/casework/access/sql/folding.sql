-- How names are compared: one spelling of all that a reader would call the same. kernel/folding.py says the same in Python, and a
-- test holds the two together. Columns are computed by these functions: who changes one writes its columns anew, by a revision.
-- First of all definitions, for tables refer to them (the revision that needs them loads this file).

-- `St. Mary’s` is `st marys`, `Tŷ Newydd` is `ty newydd`, `Marks & Spencer` is `marks and spencer`: compatible characters made one,
-- accents off, small letters, no apostrophes or quotes, nothing that draws nothing, and one blank for whatever stands between words.
-- By PostgreSQL's own C.UTF-8, so that no locale of the machine has a say.
CREATE OR REPLACE FUNCTION casework.fold(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(
    replace(replace(replace(replace(replace(translate(
        lower(regexp_replace(
            normalize(translate(written, U&'\00B4\0384\1FBD\1FBF\1FFE', ''), NFKD),  -- which would come apart as a blank and an accent
            '[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f'  -- accents
            || '\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff'
            || '\u0022\u0027\u0060\u00ab\u00bb\u02b9-\u02bd\u02c8\u055a\u05f3\u2018-\u201f\u2032-\u2037\u2039\u203a\u275b-\u275e\ua78b\ua78c]',
            '', 'g') COLLATE "pg_c_utf8"),
        'łøđðħŧıĸŋς', 'loddhtiknσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), '&', ' and '),
    '[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000'  -- blanks, then points, brackets and dashes
    || '\u0021\u0028\u0029\u002c-\u002f\u003a\u003b\u003f\u005b\u005d\u007b\u007d\u00a1\u00b7\u00bf\u058a\u2010-\u2015\u2022\u2027\u2044\u2212\u30fb]+',
    ' ', 'g'));

-- What two spellings of one name have in common: letters and digits only.
CREATE OR REPLACE FUNCTION casework.name_key(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(casework.fold(written) COLLATE "pg_c_utf8", '[^[:alnum:]]', '', 'g');

-- In the order of a reader: as folded, and what differs in case and accents alone as it is written. A tab sorts before everything
-- that a name can hold. Cut, because a cursor carries it.
CREATE OR REPLACE FUNCTION casework.sort_key(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN left(casework.fold(written), 200) || E'\t' || written;
