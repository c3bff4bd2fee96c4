"""The WhatsApp Cloud API wire: signatures, webhook payloads, Graph requests and their errors."""
