"""Drives any server that speaks OpenAI's API: vLLM, SGLang, llama.cpp, TGI, ``transformers serve``.

Every request is one prompt, whose answer is streamed: what is measured is the time to the first token, the time for
each of the others and their number. The workload's definition::

    [options]
    url = "http://127.0.0.1:8000"       # with or without /v1
    model = "meta-llama/Llama-3.1-8B"   # as the server knows it
    endpoint = "chat"                   # optional: or "completions", for models without a chat template
    prompt_tokens = 512                 # synthetic prompts of about so many tokens, another one every time; or
                                        # prompt = "one text", or prompts = ["several", "in turn"], which a server with
                                        # a prefix cache reads only once
    prompt_seed = 0                     # optional: seed of the synthetic prompts
    max_tokens = 128                    # optional: most tokens of an answer
    ignore_eos = true                   # optional, as min_tokens = 128: every answer is as long (vLLM, SGLang)
    temperature = 0                     # optional
    extra = { top_k = 1 }               # optional: merged into the body of the request
    timeout_s = 60                      # optional: longest time for a whole answer
    authorization_environment = "KEY"   # optional: environment variable of the runner that holds the key
    metrics_url = "http://127.0.0.1:8000/metrics"   # optional: for the scenario live

    [parameters]
    concurrency = [1, 4, 16, 64]        # serving.concurrency: requests under way at once
"""

from serving_adapter.openai.adapter import OpenAiAdapter

__all__ = ["OpenAiAdapter"]
