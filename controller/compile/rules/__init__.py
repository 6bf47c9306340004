"""The rules of each stage of the pipeline, as functions from numbered intents to blocks."""
