"""Any OpenAI-compatible chat API, streaming, by the `openai` SDK."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import openai
from openai import AsyncOpenAI

from interject.servers.llm.engines.base import EngineInfo
from interject.servers.llm.errors import (
    EngineError,
    UpstreamBrokenError,
    UpstreamBusyError,
    UpstreamEmptyError,
    UpstreamKeyError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from interject.servers.llm.settings import OPENAI_BASE_URL, find_api_key, read_text_file
from interject.servers.llm.turns import INTERRUPTED_MARK
from interject.wire.errors import SettingError
from interject.wire.likeness import did_you_mean

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
    from typing import Any, TypeVar

    from openai import AsyncStream
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

    from interject.servers.llm.settings import ApiKey, LlmSettings
    from interject.servers.llm.turns import Message

    T = TypeVar("T")


_LOGGER = logging.getLogger(__name__)

# Only a warning depends on it.
_CHECK_TIMEOUT_S = 3.0
# Ollama takes a name without a tag for one with this, which it lists.
_OLLAMA_DEFAULT_TAG = ":latest"
# OpenAI has some hundred.
_MODELS_SHOWN = 20
# Someone waits in silence: one more attempt at a server that is busy or stumbled, and then the truth.
_MAX_RETRIES = 1
# A server that is there takes a connection at once; a black hole must not cost the whole request timeout.
_CONNECT_TIMEOUT_S = 5.0
# After the finish reason only the end-of-stream mark is left; reading it lets the connection be used again.
_END_OF_STREAM_TIMEOUT_S = 0.2
# The SDK insists on a key; servers in the house that need none ignore it.
_NO_KEY = "none"
# An answer's own explanation can be a whole web page.
_MAX_EXPLANATION_CHARS = 200


DEFAULT_SYSTEM_PROMPT = f"""\
You are a voice assistant in a home. What you write is read aloud by a speech synthesiser, and the user speaks to you; \
what you get is a transcript and may contain wrong words.
Answer in short sentences of plain spoken language. Use no markdown, no lists, no emoji, no headings, and no web \
addresses. Write numbers, units and abbreviations the way they are said.
The user may cut you off at any time. Where one of your messages ends with {INTERRUPTED_MARK}, the user heard exactly \
the words before that mark and nothing of what you had meant to say after them; a message that is only \
{INTERRUPTED_MARK} was stopped before a word was heard. Never write that mark yourself. Do not apologise for having \
been interrupted and do not start over unless you are asked to; if you are asked to go on, continue after the last \
heard word."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What every request carries. Without a `model`, the first one that the server lists is used."""

    base_url: str
    model: str | None
    key: ApiKey
    system_prompt: str
    temperature: float | None
    max_tokens: int | None
    # Longest wait for the first piece, retries included, and between two pieces.
    timeout_s: float


async def open_engine(settings: LlmSettings) -> OpenAiChat:
    """Make the engine; raises SettingError."""
    return await asyncio.to_thread(lambda: OpenAiChat(chat_options(settings, os.environ)))


def chat_options(settings: LlmSettings, environ: Mapping[str, str]) -> ChatOptions:
    """Work out what the chat API is asked for; blocking. Raises SettingError."""
    base_url = settings.base_url or OPENAI_BASE_URL
    if not base_url.startswith(("http://", "https://")):
        raise SettingError("--base-url", f"{base_url!r} is not accepted; give http://HOST:PORT/v1 or https://HOST/v1")
    if settings.base_url is None and settings.model is None:
        raise SettingError("--model", f"is needed with {base_url}; name one of its models, or give --base-url")
    key = find_api_key(settings, environ)
    if key.value is None and settings.base_url is None:
        raise SettingError("OPENAI_API_KEY", f"is not set, and {base_url} needs a key; set it or give --api-key-file")
    return ChatOptions(
        base_url=base_url.rstrip("/"),
        model=settings.model,
        key=key,
        system_prompt=_system_prompt(settings),
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        timeout_s=settings.request_timeout_s,
    )


def _system_prompt(settings: LlmSettings) -> str:
    if settings.system_prompt_file is not None:
        if settings.system_prompt is not None:
            raise SettingError("--system-prompt-file", "and --system-prompt exclude each other; give one of them")
        return read_text_file("--system-prompt-file", settings.system_prompt_file)
    return settings.system_prompt or DEFAULT_SYSTEM_PROMPT


class OpenAiChat:
    """Replies of a chat model behind HTTP. Making one reads certificates from disk: do it off the event loop."""

    def __init__(self, options: ChatOptions) -> None:
        self._options = options
        self._model = options.model
        self._client = AsyncOpenAI(
            base_url=options.base_url,
            api_key=options.key.value or _NO_KEY,
            max_retries=_MAX_RETRIES,
            timeout=openai.Timeout(options.timeout_s, connect=min(_CONNECT_TIMEOUT_S, options.timeout_s)),
        )

    @property
    def info(self) -> EngineInfo:
        """What a client is told of the engine."""
        return EngineInfo(
            model=self._options.model or "default",
            description=f"Chat model behind {self._options.base_url}",
            author="OpenAI-compatible server",
            url=self._options.base_url,
            version=openai.__version__,
            languages=(),
        )

    async def check(self) -> None:
        """Ask which models there are, and warn where there is no answer or not the one that is wanted."""
        url, model = self._options.base_url, self._options.model
        client = self._client.with_options(timeout=_CHECK_TIMEOUT_S, max_retries=0)
        try:
            names = [found.id for found in (await client.models.list()).data or ()]
        except openai.NotFoundError:
            # Some servers list no models and answer questions all the same.
            if not urlsplit(url).path.strip("/"):
                _LOGGER.warning("%s has no list of models: did you mean --base-url %s/v1?", url, url)
        except openai.APITimeoutError:
            _LOGGER.warning("%s did not say within %g s which models it has", url, _CHECK_TIMEOUT_S)
        except openai.OpenAIError as error:
            _LOGGER.warning("%s; the next question tries again", self._explained(error))
        except (AttributeError, ValueError):
            _LOGGER.warning("%s answers, but not as a chat API: did you mean --base-url %s/v1?", url, url)
        else:
            if model is not None and not {model, f"{model}{_OLLAMA_DEFAULT_TAG}"} & set(names):
                shown = ", ".join(names[:_MODELS_SHOWN]) or "none"
                _LOGGER.warning("%s lists no model %r; %s it lists %s", url, model, did_you_mean(model, names), shown)

    async def close(self) -> None:
        """Close idle connections to the server."""
        await self._client.close()

    async def reply(self, messages: Sequence[Message], language: str | None) -> AsyncGenerator[str, None]:
        """Stream the model's reply; closing the generator closes the HTTP stream. Raises EngineError."""
        stream = await self._timed(self._request(messages, language))
        finish_reason: str | None = None
        said_something = False
        async with contextlib.aclosing(stream.response):
            while finish_reason is None:
                chunk = await self._timed(self._next(stream))
                if chunk is None:
                    break
                if not chunk.choices:
                    continue
                choice = chunk.choices[0]
                finish_reason = choice.finish_reason
                if choice.delta.content:
                    said_something = True
                    yield choice.delta.content
            if not said_something:
                raise UpstreamEmptyError(self._options.base_url, finish_reason or "not told")
            if finish_reason not in {"stop", None}:
                _LOGGER.warning("%s ended its reply early: %s", self._options.base_url, finish_reason)
            with contextlib.suppress(TimeoutError, EngineError):
                async with asyncio.timeout(_END_OF_STREAM_TIMEOUT_S):
                    while await self._next(stream) is not None:
                        pass

    async def _request(self, messages: Sequence[Message], language: str | None) -> AsyncStream[ChatCompletionChunk]:
        options = self._options
        optional: dict[str, Any] = {}
        if options.temperature is not None:
            optional["temperature"] = options.temperature
        if options.max_tokens is not None:
            # OpenAI's newer models refuse the old name; other servers may know only the old one.
            name = "max_completion_tokens" if options.base_url == OPENAI_BASE_URL else "max_tokens"
            optional[name] = options.max_tokens
        try:
            model = self._model or await self._first_model()
            stream: AsyncStream[ChatCompletionChunk] = await self._client.chat.completions.create(
                model=model,
                messages=self._messages(messages, language),
                stream=True,
                **optional,
            )
        except openai.OpenAIError as error:
            raise self._explained(error) from error
        return stream

    def _messages(self, messages: Sequence[Message], language: str | None) -> list[ChatCompletionMessageParam]:
        prompt: ChatCompletionMessageParam = {
            "role": "system",
            "content": with_language(self._options.system_prompt, language),
        }
        return [prompt, *(_parameter(message) for message in messages)]

    async def _first_model(self) -> str:
        async for model in self._client.models.list():
            self._model = model.id
            _LOGGER.info("using the model %s, the first that %s lists", model.id, self._options.base_url)
            return model.id
        raise UpstreamStatusError(self._options.base_url, 200, "it lists no model")

    async def _next(self, stream: AsyncStream[ChatCompletionChunk]) -> ChatCompletionChunk | None:
        """Return the next piece, None at the end: small servers and proxies end with [DONE] alone, or with less."""
        try:
            return await anext(stream, None)
        except openai.APITimeoutError as error:
            raise UpstreamTimeoutError(self._options.base_url, self._options.timeout_s) from error
        except openai.APIConnectionError as error:
            raise UpstreamBrokenError(self._options.base_url, _cause(error)) from error
        except openai.APIError as error:
            raise UpstreamBrokenError(self._options.base_url, _shortened(error.message)) from error
        except ValueError as error:
            raise UpstreamBrokenError(self._options.base_url, f"it is no JSON: {error}") from error

    async def _timed(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            async with asyncio.timeout(self._options.timeout_s):
                return await work
        except TimeoutError:
            raise UpstreamTimeoutError(self._options.base_url, self._options.timeout_s) from None

    def _explained(self, error: openai.OpenAIError) -> EngineError:
        url = self._options.base_url
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return UpstreamKeyError(url, error.status_code, self._options.key.source)
        if isinstance(error, openai.RateLimitError):
            return UpstreamBusyError(url, _retry_after_s(error))
        if isinstance(error, openai.APIStatusError):
            return UpstreamStatusError(url, error.status_code, _shortened(error.message))
        if isinstance(error, openai.APITimeoutError):
            return UpstreamTimeoutError(url, self._options.timeout_s)
        if isinstance(error, openai.APIConnectionError):
            return UpstreamUnreachableError(url, _cause(error))
        return UpstreamBrokenError(url, _shortened(str(error)))


def _parameter(message: Message) -> ChatCompletionMessageParam:
    if message.role.value == "user":
        return {"role": "user", "content": message.content}
    return {"role": "assistant", "content": message.content}


def _retry_after_s(error: openai.RateLimitError) -> float | None:
    try:
        return float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None


def _cause(error: openai.APIConnectionError) -> str:
    """Return what the HTTP library said; the SDK's own message is only `Connection error.`."""
    return _shortened(str(error.__cause__ or error)) or type(error.__cause__).__name__


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_EXPLANATION_CHARS else line[: _MAX_EXPLANATION_CHARS - 1] + "…"


def with_language(prompt: str, language: str | None) -> str:
    """Add the language that the user speaks, as far as the client said it."""
    return prompt if language is None else f"{prompt}\nThe user speaks the language {language!r}; answer in it."
