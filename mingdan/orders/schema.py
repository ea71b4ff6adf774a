"""The whole schema of the order store: `METADATA` knows every table.

Here: the import of every model, for migrations and for whoever walks all
tables. Not here: the models.
"""

from __future__ import annotations

from mingdan.orders import journal_model
from mingdan.orders.access import model as access
from mingdan.orders.care import model as care
from mingdan.orders.lifecycle import model as lifecycle
from mingdan.orders.model import Base
from mingdan.orders.money import model as money
from mingdan.orders.offers import model as offers
from mingdan.orders.stock import model as stock

MODELS = (journal_model, access, care, lifecycle, money, offers, stock)
METADATA = Base.metadata
