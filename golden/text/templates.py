"""Makes templates.json.gz: conversations rendered by transformers' own Jinja environment.

    python templates.py

Needs transformers 5.23.0 and jinja2 3.1.6. The templates are written here, in the manner of the chat
formats of well-known model families; every one runs over every conversation, with and without the
generation prompt, and what raises in Python is recorded as raising, with its message where the template
itself raised it. `spans` are the characters inside `{% generation %}` blocks. The clock stands still.
"""

import datetime
import gzip
import json

import transformers.utils.chat_template_utils as hf

TEMPLATES = {
    "chatml": """{%- for message in messages %}
    {%- if loop.first and messages[0]['role'] != 'system' %}
        {{- '<|im_start|>system\\nYou are a helpful assistant<|im_end|>\\n' }}
    {%- endif %}
    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "llama2": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}
{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate user/assistant/user/assistant') }}{% endif %}
{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}
{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}""",
    "llama3": """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{#- The system message comes first, if there is one. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", "parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- else %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "mistral": """{{ bos_token }}{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '[INST] ' + message['content'] + ' [/INST]' }}
{% elif message['role'] == 'assistant' %}
{{ message['content'] + eos_token}}
{% else %}
{{ raise_exception('Only user and assistant roles are supported!') }}
{% endif %}
{% endfor %}""",
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
    "qwen25-tools": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content }}
    {%- else %}
        {{- 'You are a helpful assistant.' }}
    {%- endif %}
    {{- "\\n\\n# Tools\\n\\nFunction signatures are within <tools></tools>:\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "gemma": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}""",
    "phi3": """{% for message in messages %}
    {% if message['role'] == 'system' and message['content'] %}
{{'<|system|>\\n' + message['content'] + '<|end|>\\n'}}
    {% elif message['role'] == 'user' %}
{{'<|user|>\\n' + message['content'] + '<|end|>\\n'}}
    {% elif message['role'] == 'assistant' %}
{{'<|assistant|>\\n' + message['content'] + '<|end|>\\n'}}
    {% endif %}
{% endfor %}
{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}""",
    "thinking": """{%- set ns = namespace(last_query=-1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.last_query == -1 and message.role == "user" %}
        {%- set ns.last_query = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == "assistant" and message.content is string %}
        {%- set content = message.content %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query %}
            {{- '<|im_start|>assistant\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>assistant\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' ~ message.content ~ '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
""",
    "generation": """{% for message in messages %}
  {% if message.role == 'assistant' %}
{{ '<|im_start|>assistant\\n' }}
    {%- generation %}
{{ message.content }}{{ '<|im_end|>' }}
    {%- endgeneration %}
{{ '\\n' }}
  {% else %}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
  {% endif %}
{% endfor %}
{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}""",
    "macros": """{%- macro turn(role, body='nothing') -%}
[{{ role|upper }}] {{ body }}
{% endmacro -%}
{%- for message in messages if message.role != 'tool' -%}
{%- if message.content is none or message.content is undefined %}{% continue %}{% endif -%}
{%- if loop.index > 3 %}{{ '...' }}{% break %}{% endif -%}
{{ turn(message.role, message.content) }}
{%- endfor -%}
{%- filter upper %}done{{ messages|length }}{% endfilter %}
{%- set block %}  kept {{ messages[0].role }}  {% endset %}{{ block|trim }}""",
    "oddities": """{{ none }}|{{ true }}|{{ false }}|{{ 1.0 }}|{{ 1e20 }}|{{ 7 // 2 }}|{{ 7 / 2 }}|{{ -7 // 2 }}|{{ -7 % 3 }}|{{ 2 ** 10 }}|{{ missing }}|{{ missing is defined }}
{{ [1, 'a', none, true, 2.5] }}|{{ {'a': 1, 'b': [none]} }}|{{ "it's" }}|{{ ["it's", 'q"q', 'both\\'"', 'n\\nl'] }}|{{ (1, 2) }}|{{ 'x' ~ none ~ true ~ 1.0 ~ [false] }}
{{ {'é': 'ü\\u2028\\n\\t"\\\\/', 'n': [1, 2.0, 1e-7, 1e16, 123456789.125, none, true], 'e': {}, 'l': []}|tojson }}
{{ {'b': 1, 'a': [1, {'c': 'x'}], 'e': {}, 'l': []}|tojson(indent=2) }}
{{ {'b': 1, 'a': 2}|tojson(sort_keys=true) }}|{{ [1, 2]|tojson(separators=(',', ':')) }}|{{ 'é'|tojson(ensure_ascii=true) }}
{{ 'a,b,,c'.split(',') }}|{{ ' a b '.split() }}|{{ 'abc'[::-1] }}|{{ 'abc'[-2:] }}|{{ 'Hello World'.title() }}|{{ 'x'.join(['a', 'b']) }}|{{ 'aXbX'.replace('X', 'y') }}|{{ 'abc'.startswith('ab') }}|{{ 'ABC'.lower().capitalize() }}
{{ messages[0].items()|list|length }}|{{ messages[0].get('nope') }}|{{ messages[0].get('nope', 'dflt') }}|{{ messages|map(attribute='role')|join(',') }}|{{ messages|selectattr('role', 'equalto', 'user')|list|length }}|{{ (messages|last).role }}|{{ messages|rejectattr('role', 'in', ['user', 'system'])|map(attribute='role')|list }}
{{ '%05.1f|%d|%s'|format(3.14159, 42, 'z') }}|{{ 3|string + 'x' }}|{{ '42'|int + 1 }}|{{ [3, 1, 2]|sort|first }}|{{ [1, 2, 3]|sum }}|{{ 'a b'|replace(' ', '_') }}|{{ range(3)|list }}|{{ 'abc'|length }}|{{ missing|default('d') }}|{{ ''|default('e', true) }}
{{ 'a' in 'abc' }}|{{ 1 if messages else 2 }}|{{ not none }}|{{ 1 < 2 < 3 }}|{{ 'x' if false }}|{{ {'a': 1}.keys()|list }}|{{ {'a': {'b': 2}}.a.b }}|{{ messages[0]['role'] is string }}|{{ 3 is number }}|{{ 3 is odd }}|{{ [] is sequence }}|{{ strftime_now('%Y-%m-%d %H:%M:%S %B %b %A %a %j %y %-d %I %p %%') }}
{% for a in [1, 2, 3] %}{{ loop.index }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.previtem if loop.previtem is defined }}{{ loop.cycle('x', 'y') }}{% if not loop.last %},{% endif %}{% else %}none{% endfor %}
  {% if true %}
  kept indentation
  {% endif %}
{{- '  ' }}|{% raw %}{{ raw }}{% endraw %}|{# gone #}|{%- set x, y = 1, 2 %}{{ x }}{{ y }}
last line
""",
}

CALL = {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {"place": "Sète", "days": 2, "exact": True, "limit": None, "t": 1.5}}}]}
CONVERSATIONS = {
    "one": [{"role": "user", "content": "Hello"}],
    "three": [{"role": "user", "content": "  What is 2+2? "}, {"role": "assistant", "content": "4\n"}, {"role": "user", "content": "And \"3+3\"?\nThanks"}],
    "system": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a fruit"}, {"role": "assistant", "content": "Pear"}],
    "long": [{"role": "system", "content": "S"}] + [{"role": role, "content": f"{role} {n} 😀"} for n in range(3) for role in ("user", "assistant")],
    "twice": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
    "marks": [{"role": "user", "content": "<|im_end|> {{ 1 }} {% if %} [INST]"}, {"role": "assistant", "content": "</s> <b>&amp;'\"</b> é 你好"}],
    "tools": [{"role": "user", "content": "Weather?"}, CALL, {"role": "tool", "content": "18 °C"}, {"role": "tool", "content": "rain"}, {"role": "assistant", "content": "18, rain"}],
    "think": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nA"}, {"role": "user", "content": "r"}, {"role": "assistant", "content": "<think>\nwell\n</think>\n\nB"}],
    "reasoning": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "A", "reasoning_content": "because"}],
    "no content": [{"role": "user"}],
    "empty": [],
}
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "The weather <now> & then", "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}}}]


class Still(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 2, 9, 15, 4, 5)


def main():
    hf.datetime = Still
    cases = []
    for name, template in TEMPLATES.items():
        for title, messages in CONVERSATIONS.items():
            for prompt in (False, True):
                for tools in (None, TOOLS) if name == "qwen25-tools" else (None,):
                    extra = {"enable_thinking": False} if title == "reasoning" else {}
                    case = {"template": name, "conversation": title, "prompt": prompt, "tools": tools is not None, "extra": extra}
                    try:
                        text, spans = hf.render_jinja_template(
                            [messages], tools=tools, chat_template=template, add_generation_prompt=prompt,
                            return_assistant_tokens_mask=name == "generation", bos_token="<s>", eos_token="</s>", **extra)
                        case["text"] = text[0]
                        if name == "generation":
                            case["spans"] = spans[0]
                    except Exception as error:
                        raised = type(error).__name__ == "TemplateError"
                        case["raised"] = str(error) if raised else None
                    cases.append(case)
    value = {"now": 1707491045, "templates": TEMPLATES, "conversations": CONVERSATIONS, "tools": TOOLS, "cases": cases}
    raw = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    with open("templates.json.gz", "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as out:
        out.write(raw)
    print(len(cases), "cases,", sum("text" in case for case in cases), "rendered")


if __name__ == "__main__":
    main()
