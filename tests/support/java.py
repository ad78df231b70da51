"""What the tests' servers tell the Java that they run on."""

# Of a process that lives for minutes: what it is compiled to, and how its memory is cleaned, need not be the fastest.
# The first compiler alone would have 48 MB for all that it makes, which is too little for Trino.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m", "-XX:+UseSerialGC")
OPTIMIZING = ("-XX:+UseG1GC",)
