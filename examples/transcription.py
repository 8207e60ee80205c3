"""The pipeline of transcription.yaml as a Python flow."""

from prefect import flow

from intermezzo import llm_generate, transcription_review

TIDY = "Correct spelling and punctuation of machine transcripts. Answer with the transcript only."

tidy = llm_generate.with_options(name="tidy")
listen = transcription_review.with_options(name="listen", deadline_seconds=86_400)
title = llm_generate.with_options(name="title")


@flow(persist_result=True, result_serializer="json")
async def transcription(recordings: list[dict[str, str]], language: str = "en") -> dict[str, list[str]]:
    """Let a model tidy what a machine heard, people correct it by ear, and a model give it a title."""
    drafts = await tidy.map(
        {
            "system_prompt": TIDY,
            "messages": [{"role": "user", "content": recording["transcript"]}],
            "temperature": 0,
        }
        for recording in recordings
    )
    heard = await listen.map(
        {"audio_url": recording["audio_url"], "ai_transcript": draft.text, "language": language}
        for recording, draft in zip(recordings, drafts, strict=True)
    )
    titles = await title.map(
        {
            "messages": [{"role": "user", "content": f"Give this a title of at most five words:\n{one.transcript}"}],
            "temperature": 0,
        }
        for one in heard
    )
    return {"transcripts": [one.transcript for one in heard], "titles": [one.text for one in titles]}
